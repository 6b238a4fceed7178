import { sync } from '@rillflow/schema'
import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { FaultyProxy } from './support/faulty-proxy.js'
import { Gate, passGate } from './support/gate.js'
import { findPgBouncer } from './support/pgbouncer/find-pgbouncer.js'
import { added, openPooledStore, type PooledStore } from './support/pgbouncer/open-pooled-store.js'
import { sessionLeftovers } from './support/pgbouncer/session-leftovers.js'
import { usePoolers } from './support/pgbouncer/use-poolers.js'
import { within } from './support/within.js'

const found = await findPgBouncer()
const binary = 'reason' in found ? undefined : found
if ('reason' in found) console.log(`R15 is skipped: ${found.reason}.`)

const poolers = usePoolers(binary)
const schema = 'pooled'
/** What PgBouncer says of itself, and how it ends a connection that it will not serve. */
const says = (message: string): object => ({ code: '08P01', message: expect.stringContaining(message) as string })

beforeAll(async () => {
  if (binary === undefined) return
  const bouncer = await poolers.start()
  await using store = openPooledStore({ url: bouncer.url, prepare: false }, schema)
  await sync(store)
  // Stops in the server what is appended to the stream "gated".
  await poolers.direct.query(`
    create function ${schema}.gate() returns trigger language plpgsql as $$ begin ${passGate}; return new; end $$;
    create trigger gate before insert on ${schema}.events for each row
      when (new.stream_id = 'gated') execute function ${schema}.gate()`)
})

function open(url: string, name = 'rillflow'): PooledStore {
  return openPooledStore({ url, prepare: false, applicationName: name }, schema)
}

/** Ends the sessions of the server that PgBouncer has lent to clients of this name, and waits until they are gone. */
async function endSessionsOf(name: string): Promise<number | null> {
  const end = 'select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = $1'
  return (await poolers.direct.query(end, [name])).rowCount
}

const versionOf = async (store: PooledStore, streamId: string): Promise<number> =>
  (await store.events.streamInfo(streamId))?.version ?? 0

describe.skipIf(binary === undefined)('R15: a session of the server that PgBouncer has is lost', () => {
  test('while no client has it: nobody notices', async () => {
    const bouncer = await poolers.start()
    await using store = open(bouncer.url, 'idle')
    await store.events.append('idle', added(1))
    expect(await endSessionsOf('idle')).toBe(1)
    expect(await store.events.append('idle', added(1))).toMatchObject({ version: 2 })
  })

  test.each(['before its next statement', 'before its COMMIT'])(
    'in a transaction, %s: nothing is stored',
    async (when) => {
      const bouncer = await poolers.start()
      await using store = open(bouncer.url, when)
      const work = store.transaction(async (tx) => {
        await tx.docs.accounts.put({ id: when, balance: 1 })
        await tx.events.append(when, added(1))
        expect(await endSessionsOf(when)).toBe(1)
        if (when !== 'before its COMMIT') await tx.events.append(when, added(1))
      })
      await expect(work).rejects.toMatchObject({ code: 'ConnectionLost' })
      expect(await versionOf(store, when)).toBe(0)
      expect(await store.events.append(when, added(1))).toMatchObject({ version: 1 })
    },
  )

  test('under an append: CommitOutcomeUnknown, for nobody tells whether the server goes on; with its key it is stored once', async () => {
    const bouncer = await poolers.start()
    await using store = open(bouncer.url, 'appending')
    const options = { idempotencyKey: 'gated' }
    await using gate = await Gate.close(poolers.direct)
    const told = store.events.append('gated', added(1), options).catch((error: unknown) => error)
    await gate.untilReached()
    expect(await endSessionsOf('appending')).toBe(1)
    expect(await told).toMatchObject({ code: 'CommitOutcomeUnknown', retryable: false })
    await gate.open()
    expect(await store.events.append('gated', added(1), options)).toMatchObject({ version: 1 })
    expect(await store.events.append('gated', added(1), options)).toMatchObject({ version: 1 })
  })

  test('between the commit of an append and its answer: the original result', async () => {
    await using proxy = await FaultyProxy.start(poolers.server.url)
    const bouncer = await poolers.start({}, proxy.url)
    await using store = open(bouncer.url)
    proxy.arm('reply', /rillflow:append_/)
    const { position } = await store.events.append('answered', added(2))
    expect({ struck: !proxy.armed, cuts: proxy.cuts }).toEqual({ struck: true, cuts: 1 })
    expect(await store.events.readStream('answered').toArray()).toMatchObject([
      { version: 1 },
      { version: 2, position },
    ])
  })

  test('PgBouncer itself ends: ConnectionLost, and the next one serves the same store', async () => {
    const first = await poolers.start()
    await using store = open(first.url)
    await store.events.append('restarted', added(1))
    await first[Symbol.asyncDispose]()
    await expect(store.events.append('restarted', added(1))).rejects.toMatchObject({
      code: 'ConnectionLost',
      retryable: true,
    })
    await poolers.start({ listen_port: new URL(first.url).port })
    expect(await store.events.append('restarted', added(1))).toMatchObject({ version: 2 })
  })
})

describe.skipIf(binary === undefined)('R15: what does not go through PgBouncer is refused', () => {
  test('no session of the server comes free in time: ConnectionLost at once, and nothing was stored', async () => {
    const bouncer = await poolers.start({ default_pool_size: 1, query_wait_timeout: 1 })
    await using store = open(bouncer.url)
    await store.transaction(async (tx) => {
      await tx.events.append('full', added(1))
      const waiting: readonly (() => Promise<unknown>)[] = [
        () => store.events.append('waiting', added(1)),
        () => store.docs.accounts.put({ id: 'waiting', balance: 1 }),
        () => store.docs.accounts.find({}),
        () => store.transaction((inner) => inner.events.append('waiting', added(1))),
      ]
      const outcomes = await Promise.allSettled(waiting.map((call) => call()))
      const refused = { code: 'ConnectionLost', retryable: true, cause: says('query_wait_timeout') }
      expect(outcomes).toMatchObject(waiting.map(() => ({ status: 'rejected', reason: refused })))
    })
    expect(await versionOf(store, 'full')).toBe(1)
    expect(await versionOf(store, 'waiting')).toBe(0)
    expect(await store.docs.accounts.getMany(['waiting'])).toEqual([undefined])
  })

  test('an import whose source asks the store for more, when no other session is left', async () => {
    const bouncer = await poolers.start({ default_pool_size: 1, query_wait_timeout: 1 })
    await using store = open(bouncer.url)
    async function* source(): AsyncGenerator<{ id: string; balance: number }> {
      yield { id: 'imported', balance: await store.events.head() }
    }
    const work = within('import', store.docs.accounts.importAll(source()))
    await expect(work).rejects.toMatchObject({ code: 'ConnectionLost', cause: says('query_wait_timeout') })
    expect(await store.docs.accounts.getMany(['imported'])).toEqual([undefined])
  })

  const startup: readonly (readonly [string, pg.PoolConfig])[] = [
    ['statement_timeout', { statement_timeout: 1_000 }],
    ['idle_in_transaction_session_timeout', { idle_in_transaction_session_timeout: 1_000 }],
    ['options', { options: '-c lock_timeout=1s' }],
  ]
  test.each(startup)('a pool that sets %s as it connects', async (name, config) => {
    const bouncer = await poolers.start()
    const pool = poolers.pool({ connectionString: bouncer.url, ...config })
    await using store = openPooledStore({ pool, prepare: false }, schema)
    const refused = { code: 'ConnectionLost', cause: says(`unsupported startup parameter: ${name}`) }
    await expect(store.events.append('startup', added(1))).rejects.toMatchObject(refused)
  })

  test('more clients than PgBouncer takes', async () => {
    const bouncer = await poolers.start({ max_client_conn: 1 })
    await using store = open(bouncer.url)
    await using other = open(bouncer.url)
    await store.events.append('clients', added(1))
    const refused = { code: 'ConnectionLost', retryable: true, cause: says('no more connections allowed') }
    await expect(other.events.append('clients', added(1))).rejects.toMatchObject(refused)
    expect(await versionOf(store, 'clients')).toBe(1)
  })

  test('statement mode: transactions', async () => {
    const bouncer = await poolers.start({ pool_mode: 'statement' })
    await using store = open(bouncer.url)
    const refused = { code: 'ConnectionLost', cause: says('transaction blocks not allowed in statement pooling mode') }
    await expect(store.transaction((tx) => tx.events.append('mode', added(1)))).rejects.toMatchObject(refused)
    expect(await versionOf(store, 'mode')).toBe(0)
  })
})

describe.skipIf(binary === undefined)('R15: without the options for a pooler', () => {
  // Later ones can keep them; this is what those do that do not.
  const forgetful = Number(binary?.version.split('.')[1]) >= 21 ? { max_prepared_statements: 0 } : {}

  test('prepared statements of another client are in the way: DatabaseError, and nothing was stored', async () => {
    const bouncer = await poolers.start({ default_pool_size: 1, ...forgetful })
    await using first = openPooledStore({ url: bouncer.url }, schema)
    await using second = openPooledStore({ url: bouncer.url }, schema)
    await using unprepared = open(bouncer.url)
    await first.events.append('prepared', added(1))
    const refused = { code: 'DatabaseError', sqlState: '42P05' }
    await expect(second.events.append('prepared', added(1))).rejects.toMatchObject(refused)
    expect(await versionOf(unprepared, 'prepared')).toBe(1)
  })

  test('prepared statements are in another session: DatabaseError, and nothing was stored', async () => {
    const bouncer = await poolers.start({ default_pool_size: 2, ...forgetful })
    await using store = openPooledStore({ url: bouncer.url, maxConnections: 1 }, schema)
    await using other = open(bouncer.url)
    await store.events.append('elsewhere', added(1))
    // It has the session to which the store came first, and keeps it while the store comes again.
    await other.transaction(async (tx) => {
      await tx.docs.accounts.getMany(['nobody'])
      const refused = { code: 'DatabaseError', sqlState: '26000' }
      await expect(store.events.append('elsewhere', added(1))).rejects.toMatchObject(refused)
    })
    expect(await versionOf(other, 'elsewhere')).toBe(1)
  })

  test('wake-ups leave a session that listens; readers poll, and miss nothing', async () => {
    const bouncer = await poolers.start({ default_pool_size: 1 })
    await using store = openPooledStore({ url: bouncer.url, prepare: false }, schema, { wakeUps: true })
    await using writer = open(bouncer.url)
    const waiting = store.events.waitForHead(await store.events.head())
    const pool = poolers.pool({ connectionString: bouncer.url, max: 1 })
    await expect
      .poll(async () => (await sessionLeftovers(pool, 1)).dirty, { timeout: 60_000, interval: 20 })
      .toMatchObject([{ listening: ['rillflow'] }])
    const { position } = await writer.events.append('heard', added(1))
    expect(await waiting).toBe(position)
  })
})
