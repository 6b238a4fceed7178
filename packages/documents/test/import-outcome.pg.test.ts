import { inspect } from 'node:util'
import { createStore, DeadlockError, typed, type SingleStore } from '@rillflow/core'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FaultyProxy } from '../../../test/reliability/support/faulty-proxy.js'
import { defineCollection, documents } from '../src/index.js'
import { blocked } from './support/blocked.js'
import { CountingPool } from './support/counting-pool.js'
import { errorOf } from './support/error-of.js'
import { until } from './support/until.js'
import { useDocuments } from './support/use-documents.js'

const Item = defineCollection('items', { schema: typed<{ id: string; n: number }>() })
const truth = useDocuments({ items: Item })
let proxy: FaultyProxy
let round = 0

beforeEach(async () => {
  proxy = await FaultyProxy.start(truth.database.url)
  round += 1
})
afterEach(() => proxy[Symbol.asyncDispose]())

type Store = SingleStore<{ docs: ReturnType<typeof makeDocuments> }>

const makeDocuments = (outcomeTimeout?: number) => documents({ items: Item }, { outcomeTimeout })

function open(options: { outcomeTimeout?: number } = {}): Store {
  const connection = { url: proxy.url, maxConnections: 1, applicationName: 'importer' }
  return createStore({ connection, modules: { docs: makeDocuments(options.outcomeTimeout) } })
}

const many = (count: number): { id: string; n: number }[] =>
  Array.from({ length: count }, (_, n) => ({ id: `${round}-${n}`, n }))

async function storedCount(): Promise<number> {
  const { rows } = await truth.database.query<{ n: number }>(
    'select count(*)::int as n from rillflow.docs where id like $1',
    [`${round}-%`],
  )
  return rows[0]?.n ?? 0
}

/** The connections of the store by their names in the server. */
async function connections(): Promise<readonly string[]> {
  const { rows } = await truth.database.query<{ name: string }>(
    `select application_name as name from pg_stat_activity
    where datname = current_database() and application_name not in ('', 'rillflow')`,
  )
  return rows.map(({ name }) => name)
}

test('it takes a connection of its own, under its own name, and ends it', async () => {
  await using store = open()
  await store.docs.items.get('warm')
  let during: readonly string[] = []
  const source = async function* (): AsyncGenerator<{ id: string; n: number }> {
    yield* many(3_000)
    during = await connections()
  }
  expect(await store.docs.items.importAll(source())).toBe(3_000)
  expect(during.toSorted()).toEqual(['importer', 'importer import'])
  await until(async () => (await connections()).length <= 1)
  expect(await connections()).toEqual(['importer'])
})

const again = (store: Store) =>
  async function* (): AsyncGenerator<{ id: string; n: number }> {
    for await (const { id, n } of store.docs.items.query()) yield { id: `${id}-again`, n }
  }

test('a source that needs the only connection of the pool gets it', async () => {
  await truth.database.query('truncate rillflow.docs')
  await truth.store.docs.items.putMany(many(3))
  await using store = open()
  expect(await store.docs.items.importAll(again(store)())).toBe(3)
  expect(await storedCount()).toBe(6)
})

test('where only an adapter is known, it is a COPY on a connection of the pool, and such a source is told so', async () => {
  await truth.database.query('truncate rillflow.docs')
  await truth.store.docs.items.putMany(many(3))
  const pool = new pg.Pool({ connectionString: proxy.url, max: 1, connectionTimeoutMillis: 1_000 })
  // The store cannot hear of it: an adapter has no events.
  pool.on('error', () => undefined)
  await using store: Store = createStore({
    connection: { pool: { connect: () => pool.connect() } },
    modules: { docs: makeDocuments() },
  })
  expect(await errorOf(store.docs.items.importAll(again(store)()))).toMatchObject({ code: 'PoolTimeout' })
  let copying = 0
  const source = async function* (): AsyncGenerator<{ id: string; n: number }> {
    yield* many(5).slice(3)
    const { rowCount } = await truth.database.query(
      `select from pg_stat_activity
      where datname = current_database() and query like '/* rillflow:import */ copy%' and state = 'active'`,
    )
    copying = rowCount ?? 0
  }
  expect(await store.docs.items.importAll(source())).toBe(2)
  expect(copying).toBe(1)
  expect(await storedCount()).toBe(5)
  await pool.end()
})

describe('the connection is lost', () => {
  test('between the commit and its answer: the original result', async () => {
    await using store = open()
    await store.docs.items.get('warm')
    proxy.arm('reply', /rillflow:import/)
    expect(await store.docs.items.importAll(many(2_000))).toBe(2_000)
    expect(proxy.armed).toBe(false)
    expect(await storedCount()).toBe(2_000)
  })

  test.each(['request', 'source'] as const)('before all was sent (%s): nothing is stored', async (where) => {
    await using store = open()
    await store.docs.items.get('warm')
    if (where === 'request') proxy.arm('request', /rillflow:import/)
    const source = async function* (): AsyncGenerator<{ id: string; n: number }> {
      yield* many(3_000)
      proxy.cut('rillflow:import')
      for (let look = 0; look < 100; look += 1) await storedCount()
      yield { id: `${round}-last`, n: 0 }
    }
    const error = await errorOf(store.docs.items.importAll(source()))
    expect(error).toMatchObject({ code: 'ConnectionLost', retryable: true, sent: undefined })
    expect(await storedCount()).toBe(0)
    expect(await store.docs.items.importAll(many(1))).toBe(1)
  })

  test.each([
    ['and it ends in time', 60_000, 3],
    ['and it outlives the budget', 150, 'CommitOutcomeUnknown'],
  ])('when all was sent, while the server is at work, %s', async (_, outcomeTimeout, told) => {
    await using store = open({ outcomeTimeout })
    await store.docs.items.get('warm')
    const holder = await truth.database.pool.connect()
    await holder.query('begin')
    await truth.store.transaction({ client: holder }, (tx) => tx.docs.items.insert({ id: `${round}-1`, n: 1 }))
    const importing = store.docs.items.importAll(many(3)).catch((error: unknown) => (error as { code: string }).code)
    await blocked(truth.database)
    expect(proxy.cut('rillflow:import')).toBe(1)
    if (typeof told === 'string') expect(await importing).toBe(told)
    await holder.query('rollback')
    holder.release()
    expect(await importing).toBe(told)
    // The server goes on with what it has, whoever listens.
    await until(async () => (await storedCount()) >= 3)
    expect(await storedCount()).toBe(3)
  })

  test('of a server that refuses a row, no value of it is in the error', async () => {
    await using store = open()
    await truth.store.docs.items.insert({ id: `${round}-canary`, n: 1 })
    const error = await errorOf(store.docs.items.importAll([{ id: `${round}-canary`, n: 2 }]))
    expect(error).toMatchObject({ code: 'UniqueConflict', cause: { where: 'COPY docs, line 1' } })
    const { cause } = error as { cause: Error }
    expect(inspect([error.message, cause])).not.toContain('canary')
  })
})

describe('a driver that knows no COPY', () => {
  test('stores all of them or none, too', async () => {
    await truth.store.docs.items.insert({ id: `${round}-1499`, n: 1 })
    const pool = new CountingPool(truth.database.url)
    await using store = createStore({ connection: { pool }, modules: { docs: makeDocuments() } })
    expect(await errorOf(store.docs.items.importAll(many(1_500)))).toMatchObject({ code: 'UniqueConflict' })
    expect(await storedCount()).toBe(1)
    expect(await store.docs.items.importAll(many(1_499))).toBe(1_499)
    expect(pool.operations.slice(-4)).toEqual(['begin', 'put_many', 'put_many', 'commit'])
    await pool.end()
  })

  test('reads a source once, even if the transaction were one to run again', async () => {
    const pool = new CountingPool(truth.database.url)
    await using store = createStore({ connection: { pool }, modules: { docs: makeDocuments() } })
    const race = new DeadlockError('met by the source', undefined)
    const source = function* (): Generator<{ id: string; n: number }> {
      yield* many(1_200)
      throw race
    }
    await expect(store.docs.items.importAll(source())).rejects.toBe(race)
    expect(await storedCount()).toBe(0)
    await pool.end()
  })
})
