import { sync } from '@rillflow/schema'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkFeed } from './support/check-feed.js'
import { checkStored } from './support/check-stored.js'
import { chooseSeed, keepStored, withHistory } from './support/history-folder.js'
import { makeSchema } from './support/open-store.js'
import { findPgBouncer } from './support/pgbouncer/find-pgbouncer.js'
import { flows } from './support/pgbouncer/flows.js'
import { openPooledStore, type PooledStore } from './support/pgbouncer/open-pooled-store.js'
import { sessionLeftovers } from './support/pgbouncer/session-leftovers.js'
import { usePoolers } from './support/pgbouncer/use-poolers.js'
import { readStored } from './support/read-stored.js'
import { runFeed } from './support/run-feed.js'
import { countProblems } from './support/violation.js'
import { within } from './support/within.js'

const found = await findPgBouncer()
const binary = 'reason' in found ? undefined : found
console.log('reason' in found ? `R15 is skipped: ${found.reason}.` : `R15: PgBouncer ${found.version}`)

const long = process.env['RILLFLOW_LONG'] === '1'
const seed = chooseSeed()
const poolers = usePoolers(binary)

/** The sessions of the server that poolers have, by whoever asks in which database. */
async function pooledSessions(database: string): Promise<readonly number[]> {
  const { rows } = await poolers.direct.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = $1 and application_name <> 'past the pooler' order by pid`,
    [database],
  )
  return rows.map(({ pid }) => pid)
}

const ways = [
  { what: 'a store on a URL, which pipelines', size: 3, pipelined: true },
  { what: "a store on the caller's pool", size: 3, pipelined: false },
  { what: 'a store on a URL, one session of the server', size: 1, pipelined: true },
] as const

describe.skipIf(binary === undefined).each(ways)('R15: through PgBouncer in transaction mode: $what', (way) => {
  const database = `way_${ways.indexOf(way)}`
  let url: string
  let asking: pg.Pool

  beforeAll(async () => {
    await poolers.direct.query(`create database ${database}`)
    const bouncer = await poolers.start({ default_pool_size: way.size })
    const ofDatabase = new URL(bouncer.url)
    ofDatabase.pathname = database
    url = ofDatabase.href
    asking = poolers.pool({ connectionString: url, max: way.size })
  })

  function open(schema: string): PooledStore {
    if (way.pipelined) return openPooledStore({ url, prepare: false }, schema)
    return openPooledStore({ pool: poolers.pool({ connectionString: url, max: 10 }), prepare: false }, schema)
  }

  test.each(flows)('%s', async (what, flow) => {
    const schema = `flow_${flows.findIndex(([each]) => each === what)}`
    await using store = open(schema)
    await sync(store)
    await expect(
      within(what, flow({ store, schema, open: () => open(schema), direct: poolers.directOf(database) })),
    ).resolves.toBeUndefined()
  })

  test('nothing is left in any session of the server', async () => {
    const { pids, dirty } = await sessionLeftovers(asking, way.size)
    expect(dirty).toEqual([])
    // All of them were looked at.
    expect(pids.toSorted((one, other) => one - other)).toEqual(await pooledSessions(database))
  })
})

test.skipIf(binary === undefined)(
  'R1 in small: 16 writers and 3 readers in 7 processes on 3 sessions of the server',
  async () => {
    const bouncer = await poolers.start({ default_pool_size: 3 })
    await makeSchema(poolers.server.url, 'r1')
    const attempts = long ? 10_000 : 1_000
    const mix = { document: 0.3, rollback: 0.1, slow: 0, savepoint: 0.05, twice: 0.05, session: 0.05, gapMs: 2 }
    const readers = [
      { name: 'all', feed: 'library' },
      { name: 'by-type', feed: 'library', type: 'Changed' },
      { name: 'one-stream', feed: 'library', streamId: 'stream-0' },
    ] as const
    await withHistory(`pgbouncer-${seed}`, async (folder) => {
      const history = await runFeed({
        url: bouncer.url,
        pooled: true,
        schema: 'r1',
        folder,
        seed,
        writers: { processes: 4, callers: 4, attempts, streams: 20, mix },
        readers,
        lastPosition: async () => {
          const { rows } = await poolers.direct.query<{ last: string }>('select max(position) as last from r1.events')
          return Number(rows[0]?.last)
        },
      })
      const stored = await readStored(poolers.direct, 'r1')
      await keepStored(folder, stored)
      expect(history.attempts).toHaveLength(attempts)
      expect(history.attempts.filter(({ outcome }) => outcome === 'unknown')).toEqual([])
      expect(countProblems(checkStored(history.attempts, stored))).toEqual({})
      for (const { name, seen, reached, type, streamId } of history.readers) {
        const wanted = stored.events.filter(
          (event) => (type ?? event.type) === event.type && (streamId ?? event.streamId) === event.streamId,
        )
        expect(wanted.length, `there is something to see for ${name}`).toBeGreaterThan(0)
        expect(countProblems(checkFeed(wanted, seen)), name).toEqual({})
        expect(reached, `${name} came to the last event`).toBe(true)
      }
    })
    const { dirty } = await sessionLeftovers(poolers.pool({ connectionString: bouncer.url, max: 3 }), 3)
    expect(dirty).toEqual([])
  },
)

test.skipIf(binary === undefined)('what is left in a session is seen', async () => {
  const bouncer = await poolers.start({ default_pool_size: 1 })
  const pool = poolers.pool({ connectionString: bouncer.url, max: 1 })
  for (const text of [
    "set search_path to 'elsewhere'",
    'listen something',
    'prepare something as select 1',
    'select pg_advisory_lock(1)',
    'create temporary table something ()',
    'declare something cursor with hold for select 1',
  ])
    await pool.query(text)
  const { dirty } = await sessionLeftovers(pool, 1)
  expect(dirty).toMatchObject([
    {
      settings: ['search_path = elsewhere'],
      listening: ['something'],
      prepared: ['prepare something as select 1'],
      locks: 1,
      temporary: true,
      cursors: 1,
    },
  ])
})
