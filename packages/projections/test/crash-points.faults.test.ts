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
  /** One of them is chosen each time. */
  readonly places: readonly string[]
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
const broken = { broken: true } as const
const requeueing = { task: 'requeue' } as const

const cycle: readonly CrashPoint[] = [
  { places: ['before claim_leases'] },
  { places: ['while claim_leases', 'after claim_leases'] },
  { places: ['after read_all_asc'] },
  { places: ['fold'], most: 3 },
  { places: ['after load'], kinds: folds },
  { places: ['after write'] },
  { places: ['before advance_checkpoint', 'while advance_checkpoint'] },
  { places: ['after advance_checkpoint', 'before commit of the batch'] },
  { places: ['while commit of the batch', 'after commit of the batch'] },
  { places: around('record_failure'), meets: 'poison', job: broken, most: 2 },
  { places: around('write_dead_letters'), meets: 'poison', job: broken },
  { places: around('commit of the letters'), meets: 'poison', job: broken },
  { places: around('settle_letter'), meets: 'letter' },
  { places: around('commit of the put back'), meets: 'letter' },
  { places: around('fail_letter'), meets: 'letter', job: broken },
  { places: around('requeue_all_letters'), meets: 'aside', job: requeueing },
  { places: around('commit of the requeue'), meets: 'aside', job: requeueing },
  { places: around('release_lease'), meets: 'end' },
]

interface Death extends Omit<CrashPoint, 'places'> {
  readonly kind: Kind
  readonly place: string
}

/** Each point so many times, each time with another kind of projection. */
function deathsAt(points: readonly CrashPoint[], random: Choices): readonly Death[] {
  const deaths = points.flatMap(({ places, ...point }) => {
    const chosen = random.shuffle(point.kinds ?? kinds)
    const at = random.shuffle(places)
    return Array.from({ length: times }, (_, time) => ({
      ...point,
      place: at[time % at.length] as string,
      kind: chosen[time % chosen.length] as Kind,
    }))
  })
  return random.shuffle(deaths)
}

/** What a process must find so that it comes to its point. */
async function prepare(run: Run, { kind, meets }: Death, at: number): Promise<void> {
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
  { places: around('begin_rebuild') },
  { places: ['after make of the begin'], kinds: ['rows', 'lines'] },
  { places: ['after delete of the begin'], kinds: ['documents'] },
  { places: around('commit of the begin') },
  { places: ['fold'], most: 3 },
  { places: ['after write', 'after advance_checkpoint'] },
  { places: around('commit of the batch') },
  { places: ['after lock_rebuild'] },
  { places: ['after delete of the swap'] },
  { places: ['after move of the swap'] },
  { places: ['after finish_rebuild', 'before commit of the swap'] },
  { places: ['while commit of the swap', 'after commit of the swap'] },
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
