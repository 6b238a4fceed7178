import { useDatabase } from '@rillflow/testing/vitest'
import type { PoolClient } from 'pg'
import { expect, test } from 'vitest'
import { added, newStore, type TestStore } from './support/test-store.js'

const database = useDatabase({ max: 6 })

type ReadAll = TestStore['events']['readAll']
type Options = Parameters<ReadAll>[0]

/** The streams and versions of the feed, in its order; of a store, or of a transaction. */
async function feed(
  store: { readonly events: { readonly readAll: ReadAll } },
  options?: Options,
): Promise<readonly string[]> {
  const events = await store.events.readAll(options).toArray()
  return events.map((event) => `${event.streamId}@${event.version}`)
}

/** Runs `work` with a connection inside a transaction, which is rolled back unless `work` ended it. */
async function inTransaction(begin: string, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await database.pool.connect()
  try {
    await client.query(begin)
    await work(client)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

test('an empty store has no events, and its head is 0', async () => {
  const { store } = await newStore(database.pool)
  expect(await store.events.head()).toBe(0)
  expect(await feed(store)).toEqual([])
  expect(await feed(store, { direction: 'backward' })).toEqual([])
})

test('the first event has position 1 and is read', async () => {
  const { store } = await newStore(database.pool)
  expect(await store.events.append('s', added(1))).toMatchObject({ version: 1, position: 1 })
  expect(await store.events.head()).toBe(1)
  expect(await feed(store)).toEqual(['s@1'])
})

test('the first event of a store is hidden while it is not committed', async () => {
  const { store } = await newStore(database.pool)
  await inTransaction('begin', async (client) => {
    await store.transaction({ client }, (tx) => tx.events.append('first', added(1)))
    await store.events.append('second', added(1))
    expect(await store.events.head()).toBe(0)
    expect(await feed(store)).toEqual([])
    await client.query('commit')
  })
  expect(await feed(store)).toEqual(['first@1', 'second@1'])
})

test('events of an open transaction, and later ones, are hidden until it ends, then come in order', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('before', added(2))
  await inTransaction('begin', async (client) => {
    await store.transaction({ client }, (tx) => tx.events.append('open', added(2)))
    await store.events.append('later', added(1))
    expect(await store.events.head()).toBe(2)
    expect(await feed(store)).toEqual(['before@1', 'before@2'])
    expect(await feed(store, { direction: 'backward' })).toEqual(['before@2', 'before@1'])
    await client.query('commit')
  })
  expect(await store.events.head()).toBe(5)
  expect(await feed(store, { after: 2 })).toEqual(['open@1', 'open@2', 'later@1'])
})

test('a transaction that took its floor and rolled back hides nothing and leaves a gap that nobody waits for', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('before', added(1))
  await inTransaction('begin', async (client) => {
    await store.transaction({ client }, (tx) => tx.events.append('gone', added(3)))
    await store.events.append('after', added(1))
    expect(await feed(store)).toEqual(['before@1'])
  })
  expect(await feed(store)).toEqual(['before@1', 'after@1'])
  expect((await store.events.readAll().toArray()).map((event) => event.position)).toEqual([1, 5])
  expect(await store.events.head()).toBe(5)
})

test('foreign transactions do not hold the feed', async () => {
  const { store } = await newStore(database.pool)
  await database.query('create table foreign_work (n int)')
  await inTransaction('begin', async (writer) => {
    await writer.query('insert into foreign_work values (1)')
    await inTransaction('begin isolation level serializable', async (reader) => {
      await reader.query('select count(*) from foreign_work')
      await store.events.append('s', added(2))
      expect(await store.events.head()).toBe(2)
      expect(await feed(store)).toEqual(['s@1', 's@2'])
    })
  })
})

test('a reader inside an open transaction that has read and not appended does not hold the feed', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('s', added(1))
  await store.transaction(async (tx) => {
    expect(await feed(tx)).toEqual(['s@1'])
    await store.events.append('s', added(1))
    expect(await feed(store)).toEqual(['s@1', 's@2'])
    expect(await feed(tx)).toEqual(['s@1', 's@2'])
  })
})

test('inside a transaction the feed ends before what that transaction itself appended', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('before', added(1))
  await store.transaction(async (tx) => {
    await tx.events.append('own', added(1))
    expect(await feed(tx)).toEqual(['before@1'])
    expect(await tx.events.readStream('own').toArray()).toHaveLength(1)
  })
  expect(await feed(store)).toEqual(['before@1', 'own@1'])
})

test.each(['repeatable read', 'serializable'])('is refused in a %s transaction', async (level) => {
  const { store } = await newStore(database.pool)
  await inTransaction(`begin isolation level ${level}`, async (client) => {
    const read = async (what: 'head' | 'readAll'): Promise<unknown> =>
      store.transaction<unknown>({ client }, (tx) => (what === 'head' ? tx.events.head() : feed(tx)))
    await expect(read('head')).rejects.toMatchObject({ code: 'UnsafeIsolation' })
    await expect(read('readAll')).rejects.toMatchObject({ code: 'UnsafeIsolation' })
  })
})

test('after, limit, direction and pages agree with the model', async () => {
  const { store } = await newStore(database.pool)
  for (let turn = 0; turn < 6; turn += 1) await store.events.append(`s-${turn % 2}`, added(2))
  const all = (await store.events.readAll().toArray()).map((event) => event.position)
  expect(all).toHaveLength(12)
  for (const direction of ['forward', 'backward'] as const) {
    for (const after of [undefined, 0, 1, 5, 11, 12, 13, Number.MAX_SAFE_INTEGER]) {
      for (const limit of [undefined, 0, 1, 5, 12, 100]) {
        const rest = all.filter((position) => position > (after ?? 0))
        const expected = (direction === 'backward' ? rest.toReversed() : rest).slice(0, limit)
        const options = { direction, after, limit }
        expect((await store.events.readAll(options).toArray()).map((event) => event.position)).toEqual(expected)
        for (const pageSize of [1, 3, 12, undefined]) {
          const pages: number[] = []
          for await (const event of store.events.readAll({ ...options, pageSize })) pages.push(event.position)
          expect(pages).toEqual(expected)
        }
      }
    }
  }
})

test('an iteration ends at the head of its beginning, and the next one goes on from there', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('s', added(4))
  const reader = store.events.readAll({ pageSize: 2 })
  const seen: number[] = []
  for await (const event of reader) {
    seen.push(event.position)
    if (event.position === 1) await store.events.append('s', added(2))
  }
  expect(seen).toEqual([1, 2, 3, 4])
  for await (const event of reader) seen.push(event.position)
  expect(seen).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 5, 6])
})

test.each([
  ['after', { after: -1 }],
  ['limit', { limit: 0.5 }],
  ['pageSize', { pageSize: 0 }],
  ['direction', { direction: '' as 'forward' }],
])('%s is refused in %o', async (argument, options) => {
  const { store } = await newStore(database.pool)
  expect(() => store.events.readAll(options)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument }) as Error,
  )
})
