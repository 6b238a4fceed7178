import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, describe, expect, test } from 'vitest'
import { backendOf, inTransaction, untilBlockedBy } from './support/blocking.js'
import { added, newStore, type TestStore } from './support/test-store.js'

const database = useDatabase()

let store: TestStore
let schema: string

beforeEach(async () => {
  ;({ store, schema } = await newStore(database.pool))
  for (const streamId of ['a', 'b', 'c']) await store.events.append(streamId, added(5))
})

/** Does to the tables what the guards forbid. */
async function damage(text: string): Promise<void> {
  await database.query(`alter table "${schema}".events disable trigger events_append_only`)
  await database.query(text.replaceAll('$', `"${schema}"`))
  await database.query(`alter table "${schema}".events enable trigger events_append_only`)
}

interface Damage {
  readonly name: string
  readonly by: string
  readonly problem: object
  /** The version of stream b when it is mended, and so of the event that is appended next. */
  readonly mended: number
}

const damages: readonly Damage[] = [
  {
    name: 'a row that lags behind its events',
    by: `update $.streams set version = 3 where stream_id = 'b'`,
    problem: { problem: 'version', version: 3, lastVersion: 5, events: 5 },
    mended: 5,
  },
  {
    name: 'a row that is ahead of its events',
    by: `update $.streams set version = 9 where stream_id = 'b'`,
    problem: { problem: 'version', version: 9, lastVersion: 5, events: 5 },
    mended: 5,
  },
  {
    name: 'the last events gone',
    by: `delete from $.events where stream_id = 'b' and version > 3`,
    problem: { problem: 'version', version: 5, lastVersion: 3, events: 3 },
    mended: 3,
  },
  {
    name: 'the row gone',
    by: `delete from $.streams where stream_id = 'b'`,
    problem: { problem: 'missing', version: undefined, lastVersion: 5, events: 5 },
    mended: 5,
  },
]

test('sound streams have no problem, and there is nothing to repair', async () => {
  await store.events.append('archived', added(2))
  await database.query(`update "${schema}".streams set archived_at = now() where stream_id = 'archived'`)
  expect(await store.events.verify()).toEqual([])
  expect(await store.events.repair()).toEqual([])
})

describe.each(damages)('$name', ({ by, problem, mended }) => {
  test('is found, mended, and appends go on from there', async () => {
    await damage(by)
    const found = { streamId: 'b', ...problem }
    expect(await store.events.verify()).toEqual([found])
    expect(await store.events.repair()).toEqual([found])
    expect(await store.events.verify()).toEqual([])
    expect(await store.events.repair()).toEqual([])
    const appended = await store.events.append('b', added(2), { expected: mended })
    expect(appended.version).toBe(mended + 2)
    const versions = (await store.events.readStream('b').toArray()).map((event) => event.version)
    expect(versions).toEqual(Array.from({ length: mended + 2 }, (_, index) => index + 1))
    expect(await store.events.verify()).toEqual([])
  })
})

test('a hole is found and cannot be mended; a wrong row beside it can', async () => {
  await damage(`delete from $.events where stream_id = 'b' and version = 2`)
  const hole = { streamId: 'b', problem: 'hole', version: 5, lastVersion: 5, events: 4 }
  expect(await store.events.verify()).toEqual([hole])
  expect(await store.events.repair()).toEqual([])
  await damage(`update $.streams set version = 4 where stream_id = 'b'`)
  expect(await store.events.repair()).toMatchObject([{ streamId: 'b', problem: 'version' }])
  expect(await store.events.verify()).toEqual([hole])
})

test('several problems come in the order of streams and are mended at once', async () => {
  await damage(`delete from $.streams where stream_id in ('c', 'a')`)
  await damage(`update $.streams set version = 1 where stream_id = 'b'`)
  const expected = [
    ['a', 'missing'],
    ['b', 'version'],
    ['c', 'missing'],
  ]
  const brief = (list: Awaited<ReturnType<TestStore['events']['verify']>>): readonly (readonly string[])[] =>
    list.map(({ streamId, problem }) => [streamId, problem])
  expect(brief(await store.events.verify())).toEqual(expected)
  expect(brief(await store.events.repair())).toEqual(expected)
  expect(await store.events.verify()).toEqual([])
  for (const id of ['a', 'b', 'c']) expect(await store.events.append(id, added(1))).toMatchObject({ version: 6 })
})

test('a stream that lost all its events is found, and its row is left as it is', async () => {
  await damage(`delete from $.events where stream_id = 'b'`)
  const lost = { streamId: 'b', problem: 'version', version: 5, lastVersion: 0, events: 0 }
  expect(await store.events.verify()).toEqual([lost])
  expect(await store.events.repair()).toEqual([])
  expect(await store.events.append('b', added(1))).toMatchObject({ version: 6 })
})

test('a mended stream keeps its number, category and age', async () => {
  const before = await database.query(`select stream_no, category from "${schema}".streams where stream_id = 'b'`)
  await damage(`delete from $.streams where stream_id = 'b'`)
  await store.events.repair()
  const after = await database.query(
    `select s.stream_no, s.category, s.created_at = e.created_at as same_age
      from "${schema}".streams s join "${schema}".events e on e.stream_no = s.stream_no and e.version = 1
      where s.stream_id = 'b'`,
  )
  expect(after.rows).toEqual([{ ...before.rows[0], same_age: true }])
})

test('a repair waits for appends that are under way, and sees what they wrote', async () => {
  await inTransaction(database.pool, async (holder) => {
    await store.transaction({ client: holder }, (tx) => tx.events.append('b', added(1, 6)))
    const repaired = store.events.repair()
    await untilBlockedBy(database.pool, await backendOf(holder))
    await holder.query('commit')
    expect(await repaired).toEqual([])
  })
  expect(await store.events.append('b', added(1, 7), { expected: 6 })).toMatchObject({ version: 7 })
})
