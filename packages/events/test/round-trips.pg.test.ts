import { openPoolOfOne } from './pool-of-one.js'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CountingPool } from './counting-pool.js'
import { added, newStore, storeOn, type TestStore } from './events-database.js'

const database = useDatabase()

let single: ReturnType<typeof openPoolOfOne>
let pool: CountingPool
let store: TestStore

beforeEach(async () => {
  const { schema } = await newStore(database.pool)
  single = openPoolOfOne(database.url)
  pool = new CountingPool(single)
  store = storeOn(pool, schema)
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

test('each hot statement is prepared once on a connection, however often it runs', async () => {
  for (let turn = 1; turn <= 10; turn += 1) await store.events.append('s', added(turn), { expected: 'any' })
  const appends = await preparedNames()
  expect(appends).toHaveLength(1)
  for (let turn = 1; turn <= 10; turn += 1) {
    await store.events.readStream('s', { limit: turn }).toArray()
    await store.events.readStream('s', { direction: 'backward', limit: turn }).toArray()
    await store.events.readAll({ limit: turn }).toArray()
    await store.events.readAll({ direction: 'backward', limit: turn }).toArray()
  }
  expect(await preparedNames()).toEqual(
    [...appends, 'rf_head', 'rf_read_all_asc', 'rf_read_all_desc', 'rf_read_stream_asc', 'rf_read_stream_desc'].toSorted(),
  )
  // The same names inside a transaction: nothing is prepared twice for it.
  await store.transaction(async (tx) => {
    await tx.events.readStream('s').toArray()
    await tx.events.readAll().toArray()
  })
  expect(await preparedNames()).toHaveLength(appends.length + 5)
})

test('every statement says in a comment what it is, and names its schema', async () => {
  await store.events.append('s', added(1))
  await store.events.readStream('s').toArray()
  await store.events.readAll({ direction: 'backward' }).toArray()
  for (const { text } of pool.take()) expect(text).toMatch(/^\/\* rillflow:[a-z_]+ \*\/ [^]*"events_\d+"\./)
})
