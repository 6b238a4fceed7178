import { expect, test } from 'vitest'
import { newSeed, Random } from './fixtures/random.js'
import { exactlyOnce, type NewRecord, type Run } from './fixtures/run.js'
import { until } from './fixtures/until.js'
import { useWorkplace } from './fixtures/use-workplace.js'
import type { ConsumeJob, Place } from './fixtures/words.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const times = long ? 25 : 2
const seed = newSeed()
const workplace = useWorkplace()

/** What a consumer must meet so that it comes to the place. */
interface CrashPoint {
  readonly place: Place
  /** Fails twice, and goes well the third time; or fails for good. */
  readonly poison?: 'twice' | 'throw' | undefined
  /** Comes to its end, and there to the place. */
  readonly ends?: boolean | undefined
  /** The most times at which it may die; 1 where each consumer comes there once. */
  readonly most?: number | undefined
}

const common: readonly CrashPoint[] = [
  { place: 'before claim_leases' },
  { place: 'while claim_leases' },
  { place: 'after claim_leases' },
  { place: 'after read_all_asc' },
  { place: 'handler', most: 3 },
  { place: 'transaction', most: 3 },
  { place: 'effect', most: 3 },
  { place: 'before record_failure', poison: 'twice', most: 2 },
  { place: 'while record_failure', poison: 'twice', most: 2 },
  { place: 'after record_failure', poison: 'twice', most: 2 },
  { place: 'before write_dead_letters', poison: 'throw' },
  { place: 'while write_dead_letters', poison: 'throw' },
  { place: 'after write_dead_letters', poison: 'throw' },
  { place: 'before release_lease', ends: true },
  { place: 'while release_lease', ends: true },
  { place: 'after release_lease', ends: true },
]

const points: Readonly<Record<ConsumeJob['effects'], readonly CrashPoint[]>> = {
  inside: [
    ...common,
    { place: 'before acknowledge in a transaction', most: 3 },
    { place: 'while acknowledge in a transaction', most: 3 },
    { place: 'ack', most: 3 },
    { place: 'while commit', most: 3 },
    { place: 'committed', most: 3 },
  ],
  outside: [
    ...common,
    { place: 'committed', most: 3 },
    { place: 'before acknowledge', most: 2 },
    { place: 'while acknowledge', most: 2 },
    { place: 'after acknowledge', most: 2 },
  ],
}

/** Lets one consumer after the other die, at every point so many times. */
async function dieEverywhere(run: Run, effects: ConsumeJob['effects']): Promise<number> {
  const random = new Random(seed)
  const deaths = random.shuffle(Array.from({ length: times }, () => points[effects]).flat())
  let poisoned = 0
  for (const [at, { place, poison, ends, most = 1 }] of deaths.entries()) {
    // A stream of its own for what fails for good: nothing else shall wait behind it.
    const streamId = poison === 'throw' ? `poisoned-${at}` : `stream-${at % 7}`
    if (poison === 'throw') poisoned += 1
    const records: readonly NewRecord[] = [{ poison }, {}, {}]
    await run.append(streamId, records)
    const nth = random.between(1, most)
    const consumer = run.start({
      effects,
      broken: true,
      points: [{ place, nth, deed: 'die' }],
      endAfter: ends === true ? 1 : undefined,
    })
    await consumer.died(`at "${place}", time ${nth}`)
    // Its end is waited for elsewhere.
    await run.expireLeases()
  }
  expect(poisoned).toBe(times * 3)
  return poisoned
}

test.concurrent.each(['inside', 'outside'] as const)(
  `R6: killed at each point of a delivery ${times} times, with effects %s: each event once, in order`,
  async (effects) => {
    await using run = await workplace.newRun()
    const poisoned = await dieEverywhere(run, effects)
    const isHealthy = ({ streamId }: { readonly streamId: string }): boolean => !streamId.startsWith('poisoned')
    const last = run.start({ effects, broken: true })
    await run.untilCaughtUp()
    expect(await run.problems(isHealthy)).toEqual(exactlyOnce)
    const letters = await run.letters()
    expect(letters.filter(({ waiting }) => !waiting).map(({ error }) => error?.message)).toEqual(
      Array.from({ length: poisoned }, () => 'poison: throw'),
    )
    expect(letters).toHaveLength(poisoned * 3)
    last.terminate()
    await last.report()

    // What waits for its end comes to it too.
    run.start({ effects })
    expect(await run.requeueAll()).toBe(poisoned * 3)
    await until('nothing is set aside any more', async () => (await run.letters()).length === 0)
    expect(await run.problems()).toEqual(exactlyOnce)
  },
  long ? 1_800_000 : 600_000,
)
