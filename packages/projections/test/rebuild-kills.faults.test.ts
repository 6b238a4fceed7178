import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { until } from '../../../test/reliability/support/processes/until.js'
import type { Point } from '../../../test/reliability/support/processes/words.js'
import { Choices, chooseSeed, isLong } from './fixtures/choices.js'
import { kinds, type Kind } from './fixtures/ledger.js'
import { useWorkplace } from './fixtures/use-workplace.js'

const seed = chooseSeed()
const workplace = useWorkplace()

const batchSize = 50
/** Enough that no death in a batch comes to the end: together they store 9 batches at the most, and there are 18. */
const backlog = 300
const rounds = isLong ? 10 : 1

const inBatches = ['fold', 'after write', 'after advance_checkpoint', 'after commit of the batch']
const inSwaps = ['after lock_rebuild', 'after delete of the swap', 'after move of the swap', 'after finish_rebuild']
const atEnd = ['before commit of the swap', 'after commit of the swap']

/** Ten deaths: in batches first, and then in swaps. */
function chooseDeaths(random: Choices): readonly Point[] {
  const batches = random.shuffle(inBatches).map((place) => ({ place, nth: random.between(1, 3) }))
  const swaps = random.shuffle([...inSwaps, ...atEnd]).map((place) => ({ place, nth: 1 }))
  return [...batches, ...swaps].map((point) => ({ ...point, deed: 'die' }))
}

const selects: Readonly<Record<Kind, (schema: string) => string>> = {
  documents: (schema) => `select count(*)::int as count, array_agg(distinct doc ->> 'made') as made,
    coalesce(sum((doc ->> 'count')::int), 0)::int as sum from ${schema}.docs where collection = 'documents'`,
  rows: (schema) => `select count(*)::int as count, array_agg(distinct made::text) as made,
    coalesce(sum(t.count), 0)::int as sum from ${schema}.rows t`,
  lines: (schema) => `select count(*)::int as count, array_agg(distinct made::text) as made, count(*)::int as sum
    from ${schema}.lines`,
}

/** Reads all the time, each time with one statement, and keeps what no reader should see. */
function startReader(pool: pg.Pool, select: string) {
  const wrong: string[] = []
  const seen = new Set<string>()
  const over = new AbortController()
  const reading = (async () => {
    let [least, leastSum] = [0, 0]
    while (!over.signal.aborted) {
      const { rows } = await pool.query<{ count: number; sum: number; made: readonly string[] | null }>(select)
      const [{ count, sum, made } = { count: 0, sum: 0, made: null }] = rows
      for (const version of made ?? []) seen.add(version)
      if ((made?.length ?? 0) > 1) wrong.push(`some of each: ${made?.join()}`)
      if (count < least || sum < leastSum) wrong.push(`${count} of ${sum} events after ${least} of ${leastSum}`)
      ;[least, leastSum] = [count, sum]
      // Others want the machine too.
      await pause(5)
    }
  })()
  // It is looked at when it ends; a failure must not go unheard before that.
  reading.catch(() => undefined)
  return {
    seen,
    end: async () => {
      over.abort()
      await reading
      return wrong
    },
  }
}

test(
  `R22: rebuilt under load, killed ${10 * rounds} times: readers see the old or the new, and in the end the fold`,
  async () => {
    const random = new Choices(seed)
    await using run = await workplace.newRun()
    for (let at = 0; at < 10; at += 1) {
      await run.append(
        `stream-${at}`,
        Array.from({ length: backlog / 10 }, () => ({})),
      )
    }
    for (const kind of kinds) await run.project(kind)
    const appending = { callers: 4, times: 1_000 * rounds, accounts: 40, pause: 50, seed: random.between(1, 1_000_000) }
    const load = run.start({ task: 'append', appending })
    const old = run.start()
    await Promise.all([load.ready(), old.ready()])
    const readers = kinds.map((kind) => startReader(run.pool, selects[kind](run.schema)))
    let version = 1
    for (let round = 0; round < rounds; round += 1) {
      version += 1
      for (const point of chooseDeaths(random)) {
        // What is swapped already is made anew, of the same version.
        const job = { task: 'rebuild', version, batchSize, points: [point] } as const
        await run.start(job).died(`at "${point.place}"`)
        expect(await run.problems(), `after its death at "${point.place}"`).toEqual([])
        // The old code's are among them, which it renews.
        await run.expireLeases()
      }
      await run.start({ task: 'rebuild', version }).report()
      for (const { seen } of readers) await until('the new is seen', () => seen.has(String(version)))
    }
    const fresh = run.start({ version })
    await load.end()
    await run.untilCaughtUp()
    const versions = Array.from({ length: version }, (_, at) => String(at + 1))
    for (const reader of readers) {
      expect(await reader.end()).toEqual([])
      expect([...reader.seen].toSorted()).toEqual(versions.toSorted())
    }
    expect(await run.problems()).toEqual([])
    for (const kind of kinds) {
      expect(await run.status(kind)).toMatchObject({ version, rebuild: undefined, lag: 0 })
      expect(await run.letters(kind)).toEqual([])
    }
    await Promise.all([old.end(), fresh.end()])
  },
  isLong ? 1_800_000 : 600_000,
)
