import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CountingPool } from './support/counting-pool.js'
import { added, newStore, storeOn, type TestStore } from './support/test-store.js'
import { openPool } from './support/open-pool.js'

const database = useDatabase()

let single: ReturnType<typeof openPool>
let pool: CountingPool
let store: TestStore

beforeEach(async () => {
  const { schema } = await newStore(database.pool)
  single = openPool(database.url, 1)
  pool = new CountingPool(single)
  store = storeOn(pool, schema)
  // The first look of a store at a schema sees to its sequence as well.
  await store.events.head()
  pool.take()
})

afterEach(() => single.end())

/** How often each kind of prepared statement stands on the one connection. */
async function preparedNames(): Promise<readonly string[]> {
  const { rows } = await single.query<{ name: string }>('select name from pg_prepared_statements order by name')
  return rows.map(({ name }) => name.replace(/_[0-9a-f]{16}$/, ''))
}

test('an append is one statement, and toArray too', async () => {
  await store.events.append('s', added(1), { expected: 'noStream' })
  await store.events.append('s', added(100), { expected: 1 })
  expect(pool.take()).toHaveLength(2)
  await store.events.readStream('s').toArray()
  expect(pool.take()).toHaveLength(1)
  await store.events.readAll().toArray()
  // The head, and then the rows: a younger snapshot is what makes the head safe.
  expect(pool.take()).toHaveLength(2)
})

test('a session of several streams takes a transaction and one statement', async () => {
  const session = store.session()
  for (const streamId of ['a', 'b', 'c']) session.events.append(streamId, added(2))
  await session.saveChanges()
  expect(pool.take().map((sent) => sent.text.split(' ')[0])).toEqual(['begin', '/*', 'commit'])
})

/** Everything hot, once. */
async function useAll(turn: number): Promise<void> {
  await store.events.append('s', added(1), { expected: 'any' })
  await store.events.append('s', added(turn + 1), { expected: 'streamExists' })
  await store.events.append(`new-${turn}`, added(1), { expected: 'noStream' })
  for (const direction of ['forward', 'backward'] as const) {
    await store.events.readStream('s', { direction, limit: turn }).toArray()
    await store.events.readAll({ direction, limit: turn }).toArray()
  }
}

test('each hot statement is prepared once on a connection, however often it runs', async () => {
  await useAll(1)
  const names = await preparedNames()
  expect(names.filter((name) => name.startsWith('rf_append'))).toHaveLength(3)
  expect(names.filter((name) => name.startsWith('rf_read'))).toHaveLength(4)
  expect(new Set(names).size).toBe(names.length)
  for (let turn = 2; turn <= 10; turn += 1) await useAll(turn)
  // Inside a transaction the append alone is another statement, for a transaction may hold its floor already.
  await store.transaction(async (tx) => {
    await tx.events.append('s', added(1))
    await tx.events.readStream('s').toArray()
    await tx.events.readAll().toArray()
  })
  expect(await preparedNames()).toEqual([...names, 'rf_append_one_in_transaction_any'].toSorted())
})

test('every statement says in a comment what it is, and names its schema', async () => {
  await store.events.append('s', added(1))
  await store.events.readStream('s').toArray()
  await store.events.readAll({ direction: 'backward' }).toArray()
  for (const { text } of pool.take()) expect(text).toMatch(/^\/\* rillflow:[a-z_]+ \*\/ [^]*"events_\d+"\./)
})
