import pg from 'pg'
import { expect, test } from 'vitest'
import { backendOf } from './support/blocking.js'
import { added, newStore, type TestStore } from './support/test-store.js'
import { useServer } from './support/use-server.js'

const server = useServer({ max: 4, settings: { max_prepared_transactions: 5 } })

/** A connection of another application. */
async function connect(application: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url, application_name: application })
  await client.connect()
  return client
}

async function appendIn(client: pg.Client, store: TestStore, streamId: string): Promise<void> {
  await client.query('begin')
  await store.transaction({ client }, (tx) => tx.events.append(streamId, added(2)))
}

test('nobody holds the head while nobody appends', async () => {
  const { store } = await newStore(server.pool)
  await store.events.append('s', added(1))
  const client = await connect('reader')
  await client.query('begin')
  await store.transaction({ client }, (tx) => tx.events.readAll().toArray())
  expect(await store.events.blockers()).toEqual([])
  await client.end()
})

test('an appender that idles in its transaction is named, the one that holds the head lowest first', async () => {
  const { store } = await newStore(server.pool)
  await store.events.append('before', added(3))
  const [first, second] = [await connect('shop'), await connect('')]
  const { rows } = await server.pool.query<{ now: Date; user: string }>(
    'select clock_timestamp() as now, current_user as user',
  )
  await appendIn(first, store, 'first')
  await appendIn(second, store, 'second')
  const blockers = await store.events.blockers()
  const common = { preparedTransaction: undefined, user: rows[0]?.user, state: 'idle in transaction' }
  expect(blockers).toEqual([
    { ...common, pid: await backendOf(first), application: 'shop', floor: 3, since: expect.any(Date), queryStartedAt: expect.any(Date), age: expect.any(Number) },
    { ...common, pid: await backendOf(second), application: undefined, floor: 5, since: expect.any(Date), queryStartedAt: expect.any(Date), age: expect.any(Number) },
  ]) // prettier-ignore
  for (const { since, queryStartedAt, age } of blockers) {
    // By the server's own clock, of which the name has no fractions of a millisecond.
    expect(since.getTime()).toBeGreaterThanOrEqual((rows[0]?.now.getTime() ?? 0) - 1)
    expect(queryStartedAt?.getTime()).toBeGreaterThanOrEqual(since.getTime())
    expect(age).toBeGreaterThanOrEqual(0)
  }
  expect(await store.events.head()).toBe(3)
  await first.query('commit')
  expect(await store.events.blockers()).toMatchObject([{ floor: 5 }])
  expect(await store.events.head()).toBe(5)
  await second.query('rollback')
  expect(await store.events.blockers()).toEqual([])
  await Promise.all([first.end(), second.end()])
})

test('its age grows by the clock of the server', async () => {
  const { store } = await newStore(server.pool)
  const client = await connect('slow')
  await appendIn(client, store, 's')
  await server.pool.query('select pg_sleep(0.05)')
  const [blocker] = await store.events.blockers()
  expect(blocker?.age).toBeGreaterThanOrEqual(50)
  await client.end()
})

test('a prepared transaction is named by its name', async () => {
  const { store } = await newStore(server.pool)
  const client = await connect('two-phase')
  await appendIn(client, store, 's')
  await client.query(`prepare transaction 'left-behind'`)
  await client.end()
  expect(await store.events.blockers()).toMatchObject([
    { pid: undefined, preparedTransaction: 'left-behind', application: undefined, queryStartedAt: undefined, floor: 0 },
  ])
  await server.postgres.restart()
  // The restart has cut the idle connections; the first calls find that out.
  for (let attempt = 0; attempt < 10 && !(await answers()); attempt += 1);
  expect(await store.events.blockers()).toMatchObject([{ preparedTransaction: 'left-behind', floor: 0 }])
  await server.pool.query(`rollback prepared 'left-behind'`)
  expect(await store.events.blockers()).toEqual([])
})

test('writers of another schema, and locks of others, are not named', async () => {
  const [{ store }, other] = [await newStore(server.pool), await newStore(server.pool)]
  const client = await connect('elsewhere')
  await appendIn(client, other.store, 's')
  await client.query('select pg_advisory_xact_lock_shared(1), pg_advisory_xact_lock_shared(1, 1)')
  expect(await store.events.blockers()).toEqual([])
  expect(await other.store.events.blockers()).toHaveLength(1)
  await client.end()
})

async function answers(): Promise<boolean> {
  return server.pool.query('select 1').then(
    () => true,
    () => false,
  )
}
