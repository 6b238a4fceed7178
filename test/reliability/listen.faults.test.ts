import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { checkFeed } from './support/check-feed.js'
import { FaultyProxy } from './support/faulty-proxy.js'
import type { RecordedEvent } from './support/history.js'
import { openStore, type ReliabilityStore } from './support/open-store.js'
import { readStored } from './support/read-stored.js'
import { useFreshStore } from './support/use-fresh-store.js'
import { useServer } from './support/use-server.js'
import { countProblems } from './support/violation.js'

const server = useServer()
const fresh = useFreshStore(server, 'listen')

/** Waits until `check` holds, for a minute at the most. */
async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 6_000; turn += 1) {
    if (await check()) return
    await pause(10)
  }
  throw new Error('it never came to be')
}

/** The connections that listen: each has asked for it, and nothing but heartbeats since. */
async function listening(): Promise<readonly number[]> {
  const { rows } = await server.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'rillflow listen' order by backend_start`,
  )
  return rows.map(({ pid }) => pid)
}

/** Follows the feed of a store as it is woken, and keeps what it sees. */
function follow(store: ReliabilityStore): { seen: RecordedEvent[]; stop: () => Promise<void> } {
  const seen: RecordedEvent[] = []
  const end = new AbortController()
  const run = async (): Promise<void> => {
    let after = 0
    while (!end.signal.aborted) {
      const head = await store.events.waitForHead(after, { signal: end.signal })
      for await (const { position, streamId, version, id, type } of store.events.readAll({ after })) {
        seen.push({ position, streamId, version, id, type })
      }
      // Reading goes on to the head of its own beginning; and a head may lie beyond the last event.
      after = Math.max(head, seen.at(-1)?.position ?? 0)
    }
  }
  const running = run().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  return {
    seen,
    stop: async () => {
      end.abort()
      await running
    },
  }
}

/** Each tells how many connections it has struck. */
type Strike = (proxy: FaultyProxy) => number | Promise<number>

const faults: readonly (readonly [name: string, strike: Strike, heals: boolean])[] = [
  ['lost', (proxy) => proxy.cut('listen rillflow'), true],
  [
    'ended by the server',
    async () => {
      const [pid] = await listening()
      return (await server.pool.query('select where pg_terminate_backend($1)', [pid])).rowCount ?? 0
    },
    true,
  ],
  // Nobody is told: a heartbeat has to find out.
  ['half open', (proxy) => proxy.silence('listen rillflow'), true],
  [
    'lost, and cannot be made again',
    (proxy) => {
      proxy.refuse(true)
      return proxy.cut('listen rillflow')
    },
    false,
  ],
]

test.each(faults)(
  'R16: the connection that listens is %s: nothing is lost, polling brings it, and it is made again',
  async (_, strike, heals) => {
    await using proxy = await FaultyProxy.start(server.url)
    const store = openStore({ url: proxy.url }, fresh.schema)
    const reader = follow(store)
    const append = async (): Promise<void> => {
      await fresh.store.events.append('s', [{ type: 'Placed', data: {} }])
      const { position } = await fresh.store.events.append('t', [{ type: 'Changed', data: {} }])
      await until(() => reader.seen.at(-1)?.position === position)
    }
    await until(async () => (await listening()).length === 1)
    const [before] = await listening()
    await append()
    // The connection may be there, and may not have asked yet.
    await until(async () => (await strike(proxy)) === 1)
    for (let turn = 0; turn < 3; turn += 1) await append()
    if (heals) {
      await until(async () => (await listening()).some((pid) => pid !== before))
      await append()
    }
    await reader.stop()
    await store.close()
    const stored = await readStored(server.pool, fresh.schema)
    expect(stored.events).toHaveLength(heals ? 10 : 8)
    expect(countProblems(checkFeed(stored.events, reader.seen))).toEqual({})
    proxy.cut()
    await until(async () => (await listening()).length === 0)
  },
  300_000,
)

test('R16: a connection that falls silent before it listens does not hold up the closing of its store', async () => {
  await using proxy = await FaultyProxy.start(server.url)
  // A pool without a limit to the time that connecting takes.
  const own = new pg.Pool({ connectionString: proxy.url, max: 1 })
  const store = openStore({ pool: own }, fresh.schema)
  await store.events.head()
  proxy.refuse(true)
  const ended = store.events.waitForHead(0).catch((error: unknown) => error)
  await store.close()
  expect(await ended).toMatchObject({ code: 'InvalidState' })
  await own.end()
})

test('R16: known bad: a reader that trusts notifications alone waits for ever', async () => {
  const client = new pg.Client({ connectionString: server.url })
  client.on('error', () => undefined)
  await client.connect()
  let heard = 0
  client.on('notification', () => (heard += 1))
  await client.query('listen rillflow')
  await fresh.store.events.append('s', [{ type: 'Placed', data: {} }])
  await until(() => heard === 1)
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  await server.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
  const { position } = await fresh.store.events.append('s', [{ type: 'Placed', data: {} }])
  expect(await fresh.store.events.waitForHead(position - 1)).toBe(position)
  expect(heard).toBe(1)
  await client.end().catch(() => undefined)
})
