import { expect, test } from 'vitest'
import type { Deed } from '../../../test/reliability/support/processes/words.js'
import { until } from '../../../test/reliability/support/processes/until.js'
import type { Job } from './fixtures/jobs.js'
import { kinds, nameOf, type Kind } from './fixtures/ledger.js'
import { longLease } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const workplace = useWorkplace()

/** How long a zombie's transaction may stand still: the server then ends it, and its successor has its rows. */
const limit = 5_000

interface Zombie {
  readonly kind: Kind
  readonly place: string
  readonly deed: Deed
}

const zombies: readonly Zombie[] = [
  { kind: 'documents', place: 'after read_all_asc', deed: 'freeze' },
  { kind: 'documents', place: 'after load', deed: 'freeze' },
  { kind: 'documents', place: 'after write', deed: 'block' },
  { kind: 'rows', place: 'after load', deed: 'block' },
  { kind: 'rows', place: 'after write', deed: 'freeze' },
  { kind: 'rows', place: 'before commit of the batch', deed: 'freeze' },
  { kind: 'lines', place: 'fold', deed: 'freeze' },
  { kind: 'lines', place: 'fold', deed: 'block' },
  { kind: 'lines', place: 'before commit of the batch', deed: 'block' },
]

test.concurrent.each(zombies)(
  'R7: a zombie ($deed, $place, $kind) stores nothing: its successor does',
  async ({ kind, place, deed }) => {
    await using run = await workplace.newRun()
    // What it loads and holds is there already.
    await run.append('stream-1', [{}])
    await run.project(kind)
    await run.append('stream-1', [{}, {}, {}])
    await run.append('stream-2', [{}, {}])
    // On a slow machine its own time may be over before it stands still, which must put nothing aside.
    const zombie = run.start({ kinds: [kind], timeout: limit, attempts: 100, points: [{ place, nth: 1, deed }] })
    await zombie.reached(place)
    if (deed === 'freeze') await zombie.frozen()
    const told = zombie.lines.length
    const successor = run.start({ kinds: [kind] })
    await run.untilCaughtUp([kind])
    expect(await run.problems()).toEqual([])
    zombie.goOn()
    await zombie.logged(/a lease was lost|a worker was interrupted/, told)
    await run.append('stream-1', [{}])
    await run.untilCaughtUp([kind])
    expect(await run.problems()).toEqual([])
    expect(await run.writer(kind, 'stream-2')).toBe('process-2')

    // It is a standby now like any other.
    await successor.end()
    await run.append('stream-2', [{}])
    await run.untilCaughtUp([kind])
    expect(await run.writer(kind, 'stream-2')).toBe('process-1')
    await zombie.end()
    expect(await run.problems()).toEqual([])
    expect(await run.letters(kind)).toEqual([])
  },
  300_000,
)

test.concurrent(
  'R8: a worker that is killed is replaced within 10 s by one that stands by, with default settings',
  async () => {
    await using run = await workplace.newRun()
    const settings = { lease: undefined, timeout: undefined, attempts: undefined }
    const workers = [run.start(settings), run.start(settings)]
    await Promise.all(workers.map((worker) => worker.ready()))
    await run.append('stream-1', [{}])
    await run.untilCaughtUp()
    // Each of them may have some of the projections.
    const victim = (await run.writer('documents', 'stream-1')) === 'process-1' ? 0 : 1
    const busy = await Promise.all(kinds.map((kind) => run.writer(kind, 'stream-1')))
    const taken = kinds.filter((_, at) => busy[at] === `process-${victim + 1}`)
    await workers[victim]?.kill()
    const killed = performance.now()
    await run.append('stream-1', [{}])
    await run.untilCaughtUp(taken)
    const time = performance.now() - killed
    console.log(`R8: the next event was projected ${Math.round(time)} ms after the worker was killed (${taken.join()})`)
    expect(time).toBeLessThanOrEqual(10_000)
    await run.untilCaughtUp()
    expect(await run.problems()).toEqual([])
  },
  300_000,
)

/** What is wrong when a worker goes on with a page that another one has projected meanwhile, under a lease of its own. */
async function overtake(kind: Kind, mistake: Job['mistake']): Promise<readonly string[]> {
  await using run = await workplace.newRun()
  await run.append('stream-1', [{}, {}])
  const place = 'after read_all_asc'
  const points = [{ place, nth: 1, deed: 'wait' }] as const
  const zombie = run.start({ kinds: [kind], lease: longLease, mistake, points })
  await zombie.reached(place)
  await run.expireLeases()
  await run.project(kind)
  zombie.goOn()
  // It comes to the head under its old lease or, when that is lost, under a new one.
  const writer = mistake === undefined ? 'test' : 'process-1'
  if (mistake === undefined) await zombie.logged(/a lease was lost/)
  else await until('it is stored', async () => (await run.writer(kind, 'stream-1')) === writer)
  expect(await run.writer(kind, 'stream-1')).toBe(writer)
  return run.problems()
}

test.concurrent.each(kinds)(
  'R7: who lost its lease stores nothing, though it has not heard of it (%s)',
  async (kind) => {
    expect(await overtake(kind, undefined)).toEqual([])
  },
  300_000,
)

test.concurrent.each(kinds)(
  'R7: a checkpoint without its epoch and position is caught: events are projected twice (%s)',
  async (kind) => {
    expect(await overtake(kind, 'no epoch')).not.toEqual([])
  },
  300_000,
)

/** What becomes of an event that fails. */
async function failOne(mistake: Job['mistake']) {
  await using run = await workplace.newRun()
  await run.append('stream-1', [{ poison: 'sql' }])
  await run.append('stream-2', [{}])
  run.start({ kinds: ['lines'], broken: true, mistake })
  await run.untilCaughtUp(['lines'])
  return { letters: (await run.letters('lines')).length, problems: await run.problems() }
}

test.concurrent(
  'R9: an event whose transaction fails is put aside',
  async () => {
    expect(await failOne(undefined)).toEqual({ letters: 1, problems: [] })
  },
  300_000,
)

test.concurrent(
  'R9: dead letters that are written in the failed transaction are caught: the event is nowhere',
  async () => {
    const problems = [`${nameOf('lines')}: stream-1 has version 1 0 times`]
    expect(await failOne('letters rolled back')).toEqual({ letters: 0, problems })
  },
  300_000,
)
