import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, expect, test } from 'vitest'
import { CountingPool } from './support/counting-pool.js'
import { added, newStore, storeOn, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore
let schema: string

beforeAll(async () => {
  ;({ store, schema } = await newStore(database.pool))
})

test('a stream is told as it is', async () => {
  const before = new Date(Date.now() - 60_000)
  await store.events.append('told', added(2), { category: 'kind' })
  const first = await store.events.streamInfo('told')
  expect(first).toEqual({
    streamId: 'told',
    category: 'kind',
    version: 2,
    createdAt: expect.any(Date) as Date,
    updatedAt: expect.any(Date) as Date,
    archivedAt: undefined,
    tombstonedAt: undefined,
  })
  expect(first?.createdAt.getTime()).toBeGreaterThan(before.getTime())
  expect(first?.updatedAt).toEqual(first?.createdAt)
})

test('times are those of the row, to the millisecond', async () => {
  await store.events.append('timed', added(1))
  await database.query(
    `update "${schema}".streams set created_at = '2001-02-03 04:05:06.789999+00', updated_at = '1969-12-31 23:59:59.5+00',
      archived_at = '2021-01-01 00:00:00+00' where stream_id = 'timed'`,
  )
  expect(await store.events.streamInfo('timed')).toMatchObject({
    createdAt: new Date('2001-02-03T04:05:06.789Z'),
    updatedAt: new Date('1969-12-31T23:59:59.500Z'),
    archivedAt: new Date('2021-01-01T00:00:00Z'),
  })
})

test('updatedAt is when the last event came, and createdAt stays', async () => {
  await store.events.append('grown', added(1))
  const first = await store.events.streamInfo('grown')
  await store.events.append('grown', added(1))
  const second = await store.events.streamInfo('grown')
  expect(second).toMatchObject({ version: 2, createdAt: first?.createdAt })
  const { rows } = await database.query<{ later: boolean }>(
    `select updated_at > created_at as later from "${schema}".streams where stream_id = 'grown'`,
  )
  expect(rows).toEqual([{ later: true }])
})

test('a stream that is not there', async () => {
  expect(await store.events.streamInfo('never')).toBeUndefined()
  expect(await store.events.streamExists('never')).toBe(false)
})

test('an archived stream is there, a tombstoned one is not', async () => {
  await store.events.append('kept', added(1))
  await store.events.append('ended', added(1))
  await store.events.archiveStream('kept')
  await store.events.tombstoneStream('ended')
  expect(await store.events.streamExists('kept')).toBe(true)
  expect(await store.events.streamExists('ended')).toBe(false)
  expect(await store.events.streamInfo('ended')).toMatchObject({ version: 1, tombstonedAt: expect.any(Date) as Date })
})

test('inside a transaction its own appends are seen', async () => {
  await store.transaction(async (tx) => {
    expect(await tx.events.streamExists('own')).toBe(false)
    await tx.events.append('own', added(3))
    expect(await tx.events.streamExists('own')).toBe(true)
    expect(await tx.events.streamInfo('own')).toMatchObject({ version: 3 })
    expect(await store.events.streamExists('own')).toBe(false)
  })
})

test('each look is one named statement', async () => {
  const pool = new CountingPool(database.pool)
  const counted = storeOn(pool, schema)
  await counted.events.streamInfo('told')
  await counted.events.streamExists('told')
  expect(pool.take().map(({ name }) => name)).toEqual([
    expect.stringMatching(/^rf_stream_info_/),
    expect.stringMatching(/^rf_stream_exists_/),
  ])
})

test.each(['', 'a\0b', 'x'.repeat(1_001)])('%j is no stream id', async (streamId) => {
  const refused = { code: 'InvalidArgument', argument: 'streamId' }
  await expect(store.events.streamInfo(streamId)).rejects.toMatchObject(refused)
  await expect(store.events.streamExists(streamId)).rejects.toMatchObject(refused)
  await expect(store.events.archiveStream(streamId)).rejects.toMatchObject(refused)
  await expect(store.events.tombstoneStream(streamId)).rejects.toMatchObject(refused)
})
