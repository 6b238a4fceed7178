import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkFeed } from './support/check-feed.js'
import { checkStored } from './support/check-stored.js'
import type { RecordedEvent, Stored } from './support/history.js'
import { chooseSeed, keepStored, withHistory } from './support/history-folder.js'
import { makeSchema } from './support/open-store.js'
import { readStored } from './support/read-stored.js'
import { runFeed, type FeedHistory, type Mix, type ReaderJob } from './support/run-feed.js'
import { countProblems } from './support/violation.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const seed = chooseSeed()

let server: EmbeddedPostgres
let pool: pg.Pool

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded', settings: { max_connections: 100 } })
  pool = new pg.Pool({ connectionString: server.url, max: 2 })
  pool.on('error', () => undefined)
})

afterAll(async () => {
  await pool.end()
  await server.stop()
})

interface Load {
  readonly name: string
  readonly schema: string
  readonly writers: { processes: number; callers: number; attempts: number; streams: number; mix: Mix }
  readonly readers: readonly ReaderJob[]
}

/** Runs the load, and gives its history and what is stored to `check`. */
async function observe(load: Load, check: (history: FeedHistory, stored: Stored) => void): Promise<void> {
  const { name, schema, writers, readers } = load
  await withHistory(`${name}-${seed}`, async (folder) => {
    const lastPosition = async (): Promise<number> => {
      const { rows } = await pool.query<{ last: string }>(`select max(position) as last from ${schema}.events`)
      return Number(rows[0]?.last)
    }
    const history = await runFeed({ url: server.url, schema, folder, seed, writers, readers, lastPosition })
    const stored = await readStored(pool, schema)
    await keepStored(folder, stored)
    check(history, stored)
  })
}

function expectWhole({ attempts }: FeedHistory, stored: Stored): void {
  expect(attempts.filter(({ outcome }) => outcome === 'unknown')).toEqual([])
  expect(countProblems(checkStored(attempts, stored))).toEqual({})
}

/** What the reader's own filter lets through. */
function wantedBy({ type, streamId }: ReaderJob, events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  return events.filter(
    (event) => (type === undefined || event.type === type) && (streamId === undefined || event.streamId === streamId),
  )
}

describe('R1', () => {
  const attempts = long ? 50_000 : 10_000
  const writers = {
    ...(long ? { processes: 8, callers: 2 } : { processes: 4, callers: 4 }),
    attempts,
    streams: 200,
    mix: { document: 0.3, rollback: 0.1, slow: 0.02, savepoint: 0.05, twice: 0.05, session: 0.05, gapMs: 0 },
  }
  const readers: readonly ReaderJob[] = [
    { name: 'all', feed: 'library' },
    { name: 'by-type', feed: 'library', type: 'Changed' },
    { name: 'one-stream', feed: 'library', streamId: 'stream-0' },
  ]

  test(`${attempts} appends by 16 writers, three readers: 0 lost, 0 double, 0 out of order`, async () => {
    await makeSchema(server.url, 'r1')
    await observe({ name: 'feed-order', schema: 'r1', writers, readers }, (history, stored) => {
      expect(history.attempts).toHaveLength(attempts)
      expect(history.attempts.filter(({ outcome }) => outcome === 'rolledBack').length).toBeGreaterThan(0)
      expect(stored.documents.length).toBeGreaterThan(0)
      expectWhole(history, stored)
      for (const reader of history.readers) {
        const wanted = wantedBy(reader, stored.events)
        expect(wanted.length, `there is something to see for ${reader.name}`).toBeGreaterThan(0)
        expect(countProblems(checkFeed(wanted, reader.seen)), reader.name).toEqual({})
        expect(reader.reached, `${reader.name} came to the last event soon after the last commit`).toBe(true)
      }
    })
  }, 600_000)
})

describe('readers that are known to be wrong, beside the right one', () => {
  // Few streams, and pauses between a transaction's first write and its position and between that and its commit: what
  // happens now and then in production happens all the time here.
  const writers = {
    processes: 4,
    callers: 4,
    attempts: long ? 3_000 : 600,
    streams: 12,
    mix: { document: 0.4, rollback: 0.1, slow: 0, savepoint: 0.05, twice: 0.05, session: 0, gapMs: 8 },
  }
  const readers: readonly ReaderJob[] = [
    { name: 'library', feed: 'library' },
    { name: 'position', feed: 'position' },
    { name: 'transaction-id', feed: 'transactionId' },
    { name: 'snapshot-xmax', feed: 'snapshotXmax' },
  ]

  /** What each reader met that its kind is known for. */
  async function findProblems(schema: string): Promise<readonly string[]> {
    await makeSchema(server.url, schema)
    await pool.query(`
      alter table ${schema}.events add column xid xid8 not null default pg_current_xact_id();
      create function ${schema}.linger() returns trigger language plpgsql as
        $$ begin perform pg_sleep(random() * 0.004); return null; end $$;
      create constraint trigger linger after insert on ${schema}.events deferrable initially deferred
        for each row execute function ${schema}.linger()`)
    let problems: readonly string[] = []
    await observe({ name: schema, schema, writers, readers }, (history, stored) => {
      expectWhole(history, stored)
      const found = history.readers.map(
        ({ name, seen }) => [name, countProblems(checkFeed(stored.events, seen))] as const,
      )
      console.log(`known-bad: found ${JSON.stringify(Object.fromEntries(found))} in ${stored.events.length} events`)
      problems = found.flatMap(([name, counts]) => Object.keys(counts).map((problem) => `${name}: ${problem}`))
    })
    return problems
  }

  const known = ['position: I4 lost', 'transaction-id: I4 stream order', 'snapshot-xmax: I4 lost']

  test('the wrong ones are caught, the right one sees all', async () => {
    const caught = new Set<string>()
    // One time is enough as a rule; how the processes meet is not up to the test.
    for (let time = 1; time <= 5 && !known.every((problem) => caught.has(problem)); time += 1) {
      for (const problem of await findProblems(`known_bad_${time}`)) caught.add(problem)
      expect([...caught].filter((problem) => problem.startsWith('library'))).toEqual([])
    }
    expect([...caught]).toEqual(expect.arrayContaining(known))
  }, 600_000)
})
