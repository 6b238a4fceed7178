import { expect, test } from 'vitest'
import { newSeed, Random } from './fixtures/random.js'
import { exactlyOnce, type NewRecord, type Run } from './fixtures/run.js'
import { until } from './fixtures/until.js'
import { useWorkplace } from './fixtures/use-workplace.js'
import type { ConsumeJob, Place } from './fixtures/words.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const perStream = 20
const streams = long ? 500 : 100
/** As many appends make up each stream, so that streams lie among each other. */
const rounds = 4
const seed = newSeed()
const workplace = useWorkplace()

/** The ways to fail, and what is kept of each. */
const ways = [
  { record: { poison: 'throw' }, error: { name: 'Error', message: 'poison: throw' } },
  { record: { poison: 'sql' }, error: { code: 'DatabaseError' } },
  { record: { poison: 'unique' }, error: { code: 'UniqueViolation' } },
  { record: { poison: 'timeout' }, error: { code: 'HandlerTimeout' } },
  { record: { poison: 'endless' }, error: { code: 'HandlerTimeout' } },
  { record: { type: 'Strange' }, error: { code: 'UnknownEventType' } },
  { record: { poison: 'oversize' }, error: { message: 'x'.repeat(2_000) } },
] as const

interface Poisoned {
  readonly streamId: string
  readonly version: number
  readonly record: NewRecord
  readonly error: object
}

/** One event of a hundred, each in a stream of its own. */
function choosePoisoned(random: Random): readonly Poisoned[] {
  const chosen = random.shuffle(Array.from({ length: streams }, (_, at) => at)).slice(0, (streams * perStream) / 100)
  return chosen.map((at, n) => ({
    streamId: `stream-${at}`,
    version: random.between(1, perStream),
    ...(ways[n % ways.length] as (typeof ways)[number]),
  }))
}

async function appendAll(run: Run, poisoned: readonly Poisoned[]): Promise<void> {
  const step = perStream / rounds
  const recordAt = (streamId: string, version: number): NewRecord =>
    poisoned.find((each) => each.streamId === streamId && each.version === version)?.record ?? {}
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      Array.from({ length: streams }, (_, at) => {
        const streamId = `stream-${at}`
        const records = Array.from({ length: step }, (_each, n) => recordAt(streamId, round * step + n + 1))
        return run.append(streamId, records)
      }),
    )
  }
}

test(`R9: 1 % of ${streams * perStream} events fail in ${ways.length} ways: parked once each, and requeued in order`, async () => {
  const random = new Random(seed)
  await using run = await workplace.newRun({ partitions: 4 })
  const poisoned = choosePoisoned(random)
  await appendAll(run, poisoned)
  const dyingAt = (place: Place, nth: number): Partial<ConsumeJob> => ({ points: [{ place, nth, deed: 'die' }] })

  const half = random.between(streams * 5, streams * 10)
  await run.start({ broken: true, ...dyingAt('committed', half) }).died('in the middle')
  await run.start({ broken: true, ...dyingAt('after write_dead_letters', 2) }).died('with a letter')
  const broken = run.start({ broken: true })
  await run.untilCaughtUp()
  broken.terminate()
  await broken.report()

  const first = new Map(poisoned.map(({ streamId, version }) => [streamId, version]))
  expect(
    await run.problems(({ streamId, version }) => version < (first.get(streamId) ?? Number.POSITIVE_INFINITY)),
  ).toEqual(exactlyOnce)
  const letters = await run.letters()
  const failed = letters.filter(({ waiting }) => !waiting)
  const byStream = (one: { readonly streamId: string }, other: { readonly streamId: string }): number =>
    one.streamId < other.streamId ? -1 : 1
  expect(failed.toSorted(byStream).map(({ streamId, error }) => ({ streamId, error }))).toEqual(
    poisoned.toSorted(byStream).map(({ streamId, error }) => ({ streamId, error: expect.objectContaining(error) })),
  )
  const waiting = poisoned.reduce((sum, { version }) => sum + perStream - version, 0)
  expect(letters).toHaveLength(failed.length + waiting)

  expect(await run.requeueAll()).toBe(letters.length)
  const settled = random.between(2, Math.max(2, Math.floor(waiting / 2)))
  await run.start(dyingAt('after settle_letter in a transaction', settled)).died('with a letter put back')
  expect(await run.requeueAll()).toBe((await run.letters()).length)
  const mended = run.start()
  await until('nothing is set aside any more', async () => (await run.letters()).length === 0)
  expect(await run.problems()).toEqual(exactlyOnce)
  expect(await run.requeueAll()).toBe(0)
  await run.untilCaughtUp()
  mended.terminate()
  await mended.report()
  expect(await run.problems()).toEqual(exactlyOnce)
}, 600_000)

test('R9: what is requeued before the checkpoint has passed it is handled once, with those behind it in order', async () => {
  await using run = await workplace.newRun()
  await run.append('stream-1', [{ poison: 'throw' }, {}, {}])
  await run.append('stream-2', [{}])
  // Both letters stand, and the checkpoint only behind the first one.
  const point = { place: 'after write_dead_letters', nth: 2, deed: 'wait' } as const
  const dying = run.start({ broken: true, points: [point] })
  await dying.reached(point.place)
  await until('the first one is passed', async () => (await run.status()).position === 1)
  await dying.kill()
  expect((await run.letters()).map(({ position, waiting }) => ({ position, waiting }))).toEqual([
    { position: 1, waiting: false },
    { position: 2, waiting: true },
  ])
  expect(await run.requeueAll()).toBe(2)
  run.start()
  await run.untilCaughtUp()
  expect(await run.problems()).toEqual(exactlyOnce)
  expect(await run.letters()).toEqual([])
}, 300_000)

test('R9: an event that was set aside alone is not tried again because its worker was killed', async () => {
  await using run = await workplace.newRun()
  await run.append('stream-1', [{}, { poison: 'throw' }])
  await run.append('stream-2', [{}])
  const point = { place: 'after write_dead_letters', nth: 1, deed: 'die' } as const
  await run.start({ broken: true, onFailure: 'deadLetter', points: [point] }).died('with a letter')
  run.start({ onFailure: 'deadLetter' })
  await run.untilCaughtUp()
  expect((await run.letters()).map(({ position }) => position)).toEqual([2])
  expect(await run.problems(({ streamId, version }) => streamId === 'stream-2' || version === 1)).toEqual(exactlyOnce)
  expect(await run.requeueAll()).toBe(1)
  await until('nothing is set aside any more', async () => (await run.letters()).length === 0)
  expect(await run.problems()).toEqual(exactlyOnce)
}, 300_000)

/** What becomes of an event whose transaction fails, and of the one behind it in another stream. */
async function failOne(mistake: ConsumeJob['mistake']) {
  await using run = await workplace.newRun()
  await run.append('stream-1', [{ poison: 'sql' }])
  await run.append('stream-2', [{}])
  run.start({ broken: true, mistake })
  await run.untilCaughtUp()
  return { letters: (await run.letters()).length, ...(await run.problems()) }
}

test('R9: an event whose transaction fails is set aside', async () => {
  expect(await failOne(undefined)).toEqual({ letters: 1, lost: 1, double: 0, unexpected: 0, disorder: 0 })
}, 300_000)

test('R9: dead letters that are written in the failed transaction are caught: the event is nowhere', async () => {
  expect(await failOne('letters rolled back')).toEqual({ letters: 0, lost: 1, double: 0, unexpected: 0, disorder: 0 })
}, 300_000)
