import { expect, test } from 'vitest'
import { Choices, chooseSeed, isLong } from './fixtures/choices.js'
import type { Job } from './fixtures/jobs.js'
import { kinds, type Kind } from './fixtures/ledger.js'
import type { Run } from './fixtures/run.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const times = isLong ? 25 : 2
const seed = chooseSeed()
const workplace = useWorkplace()

/** Where a process is killed, and what it must meet so that it comes there. */
interface CrashPoint {
  readonly place: string
  /** All kinds unless told. */
  readonly kinds?: readonly Kind[] | undefined
  /** The most times at which it may die; 1 where each process comes there once. */
  readonly most?: number | undefined
  /** An event that fails for good; one that has failed, and was put back, or is to be; or the end of its run. */
  readonly meets?: 'poison' | 'letter' | 'aside' | 'end' | undefined
  readonly job?: Partial<Job> | undefined
}

const folds = ['documents', 'rows'] as const
const around = (operation: string): readonly string[] =>
  ['before', 'while', 'after'].map((when) => `${when} ${operation}`)
const all = (places: readonly string[], more: Omit<CrashPoint, 'place'> = {}): readonly CrashPoint[] =>
  places.map((place) => ({ place, ...more }))

const cycle: readonly CrashPoint[] = [
  ...all(around('claim_leases')),
  { place: 'after read_all_asc' },
  { place: 'fold', most: 3 },
  { place: 'after load', kinds: folds },
  { place: 'after write', kinds: folds },
  { place: 'after write', kinds: ['lines'], most: 3 },
  ...all(around('advance_checkpoint')),
  ...all(around('commit of the batch')),
  ...all(around('record_failure'), { meets: 'poison', job: { broken: true }, most: 2 }),
  ...all(around('write_dead_letters'), { meets: 'poison', job: { broken: true } }),
  ...all(around('commit of the letters'), { meets: 'poison', job: { broken: true } }),
  ...all(around('settle_letter'), { meets: 'letter' }),
  ...all(around('commit of the put back'), { meets: 'letter' }),
  ...all(around('fail_letter'), { meets: 'letter', job: { broken: true } }),
  ...all(around('requeue_all_letters'), { meets: 'aside', job: { task: 'requeue' } }),
  ...all(around('commit of the requeue'), { meets: 'aside', job: { task: 'requeue' } }),
  ...all(around('release_lease'), { meets: 'end' }),
]

/** Each point so many times, each time with another kind of projection. */
function deathsAt(points: readonly CrashPoint[], random: Choices): readonly (CrashPoint & { readonly kind: Kind })[] {
  const deaths = points.flatMap((point) => {
    const chosen = random.shuffle(point.kinds ?? kinds)
    return Array.from({ length: times }, (_, time) => ({ ...point, kind: chosen[time % chosen.length] as Kind }))
  })
  return random.shuffle(deaths)
}

/** What a process must find so that it comes to its point. */
async function prepare(run: Run, { kind, meets }: { readonly kind: Kind } & CrashPoint, at: number): Promise<void> {
  // A stream of its own for what fails for good: nothing else shall wait behind it.
  const poisoned = [{ poison: 'throw' }, {}] as const
  if (meets === 'poison') await run.append(`poisoned-${at}`, poisoned)
  if (meets === 'letter' || meets === 'aside') {
    await run.append(`poisoned-${at}`, poisoned)
    await run.project(kind, { broken: true })
  }
  if (meets === 'letter') await run.requeueAll(kind)
  await run.append(`stream-${at % 7}`, [{}, { to: [`stream-${at % 5}`, 'common'] }, {}])
}

test.concurrent(
  `R6: killed at each point of its cycle ${times} times, a projection is the fold of its events after each`,
  async () => {
    const random = new Choices(seed)
    await using run = await workplace.newRun()
    for (const [at, death] of deathsAt(cycle, random).entries()) {
      const { kind, place, most = 1, meets, job } = death
      await prepare(run, death, at)
      const dying = { place, nth: random.between(1, most), deed: 'die' } as const
      const ending = { place: 'after commit of the batch', nth: 1, deed: 'end' } as const
      const points = meets === 'end' ? [dying, ending] : [dying]
      if (process.env.DBG) console.log(at, kind, place, points)
      await run.start({ kinds: [kind], ...job, points }).died(`at "${place}" (${kind})`)
      expect(await run.problems(), `after its death at "${place}" (${kind})`).toEqual([])
      // Its end is waited for elsewhere.
      await run.expireLeases()
    }
    for (const kind of kinds) {
      await run.project(kind)
      expect(await run.requeueAll(kind)).toBe((await run.letters(kind)).length)
      await run.project(kind)
      expect(await run.letters(kind)).toEqual([])
      expect((await run.status(kind)).lag).toBe(0)
    }
    expect(await run.problems()).toEqual([])
  },
  isLong ? 1_800_000 : 600_000,
)

const rebuild: readonly CrashPoint[] = [
  ...all(around('begin_rebuild')),
  { place: 'after make of the begin', kinds: ['rows', 'lines'] },
  { place: 'after delete of the begin', kinds: ['documents'] },
  ...all(around('commit of the begin')),
  { place: 'fold', most: 3 },
  { place: 'after write' },
  { place: 'after advance_checkpoint' },
  ...all(around('commit of the batch')),
  { place: 'after lock_rebuild' },
  { place: 'after delete of the swap' },
  { place: 'after move of the swap' },
  { place: 'after finish_rebuild' },
  ...all(around('commit of the swap')),
]

test.concurrent(
  `R6: killed at each point of a rebuild ${times} times, a projection is the fold of its events after each`,
  async () => {
    const random = new Choices(seed + 1)
    await using run = await workplace.newRun()
    const newest = { documents: 1, rows: 1, lines: 1 }
    for (const [at, { kind, place, most = 1 }] of deathsAt(rebuild, random).entries()) {
      await run.append(`stream-${at % 7}`, [{}, {}, { to: [`stream-${at % 5}`, 'common'] }, {}, {}, {}])
      if (random.chance(0.5)) await run.project(kind)
      // Another one goes on with what was left, as often as not; but nothing is begun then.
      if (place.includes('begin') || newest[kind] === 1 || random.chance(0.5)) newest[kind] += 1
      const points = [{ place, nth: random.between(1, most), deed: 'die' }] as const
      const job = { task: 'rebuild', kinds: [kind], version: newest[kind], batchSize: 2, points } as const
      if (process.env.DBG) console.log("R", at, job)
      await run.start(job).died(`at "${place}" (${kind})`)
      expect(await run.problems(), `after its death at "${place}" (${kind})`).toEqual([])
      await run.expireLeases()
    }
    for (const kind of kinds) {
      await run.storeOf({ version: newest[kind] }).projections.rebuild(kind, { lease: { poll: 20 } })
      await run.project(kind)
      expect(await run.status(kind)).toMatchObject({ version: newest[kind], rebuild: undefined, lag: 0 })
    }
    expect(await run.problems()).toEqual([])
  },
  isLong ? 1_800_000 : 600_000,
)
