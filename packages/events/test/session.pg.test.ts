import { createStore, singleTenant, type QueryConfigLike } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { events, type ExpectedVersion } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'
import { added, families } from './support/test-store.js'
import { notes } from './support/notes.js'

const database = useDatabase()

let made = 0

async function newStoreWithNotes() {
  made += 1
  const schema = `session_${made}`
  const pool = new CountingPool(database.pool)
  const store = createStore({
    connection: { pool },
    tenancy: singleTenant({ schema }),
    modules: { events: events(families, { wakeUps: false }), notes: notes() },
  })
  await sync(store)
  const storedNotes = async (): Promise<readonly string[]> => {
    const { rows } = await database.query<{ text: string }>(`select text from "${schema}".notes order by text`)
    return rows.map(({ text }) => text)
  }
  const versions = async (streamId: string): Promise<readonly number[]> =>
    (await store.events.readStream(streamId).toArray()).map((event) => event.version)
  return { store, pool, schema, storedNotes, versions }
}

test('nothing is written before the save, and then all of it', async () => {
  const { store, pool, storedNotes, versions } = await newStoreWithNotes()
  const session = store.session()
  pool.take()
  session.events.append('a', added(1))
  session.notes.stage('one')
  session.events.append('b', added(2), { expected: 'noStream' })
  expect(session.pending).toBe(3)
  expect(pool.take()).toEqual([])
  const saved = await session.saveChanges()
  expect(saved.events).toMatchObject([
    { streamId: 'a', version: 1 },
    { streamId: 'b', version: 2 },
  ])
  expect(saved.notes).toBe(1)
  expect([await versions('a'), await versions('b'), await storedNotes()]).toEqual([[1], [1, 2], ['one']])
  expect(session.pending).toBe(0)
})

test('an empty save sends nothing, and a second one does not write again', async () => {
  const { store, pool, versions } = await newStoreWithNotes()
  const session = store.session()
  pool.take()
  expect(await session.saveChanges()).toEqual({ events: [], notes: 0 })
  expect(pool.take()).toEqual([])
  session.events.append('s', added(1))
  await session.saveChanges()
  await session.saveChanges()
  expect(await versions('s')).toEqual([1])
})

test('after a conflict everything is still staged, nothing is written, and a later save succeeds', async () => {
  const { store, storedNotes, versions } = await newStoreWithNotes()
  await store.events.append('contested', added(1))
  const session = store.session()
  session.events.append('a', added(1))
  session.notes.stage('kept')
  session.events.append('contested', added(1), { expected: 2 })
  await expect(session.saveChanges()).rejects.toMatchObject({
    code: 'VersionConflict',
    id: 'contested',
    expected: 2,
    actual: 1,
  })
  expect(session.pending).toBe(3)
  expect([await versions('a'), await versions('contested'), await storedNotes()]).toEqual([[], [1], []])
  await store.events.append('contested', added(1))
  const saved = await session.saveChanges()
  expect(saved.events.map(({ streamId, version }) => [streamId, version])).toEqual([
    ['a', 1],
    ['contested', 3],
  ])
  expect([await versions('a'), await versions('contested'), await storedNotes()]).toEqual([[1], [1, 2, 3], ['kept']])
})

test('the ids of staged events are the same in every attempt to save them', async () => {
  const { store, pool } = await newStoreWithNotes()
  const given = '018f3c5e-0000-7000-8000-000000000001'
  const session = store.session()
  session.events.append('s', [
    { type: 'Added', data: { n: 1 } },
    { type: 'Added', data: { n: 2 }, id: given },
  ])
  session.events.append('contested', added(1), { expected: 1 })
  pool.take()
  await expect(session.saveChanges()).rejects.toMatchObject({ code: 'VersionConflict' })
  const firstIds = idsSent(pool.take())
  expect(firstIds).toHaveLength(3)
  expect(firstIds).toContain(given)
  await store.events.append('contested', added(1))
  pool.take()
  const saved = await session.saveChanges()
  expect(idsSent(pool.take())).toEqual(firstIds)
  expect(saved.events.flatMap((result) => result.eventIds).toSorted()).toEqual(firstIds)
})

/** Every UUID among the values sent. */
function idsSent(sent: readonly QueryConfigLike[]): readonly string[] {
  const values = sent.flatMap((config) => config.values ?? [])
  const found = values.flatMap((value) => String(value).match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g) ?? [])
  return [...new Set(found)].toSorted()
}

test('a failure of the other module undoes the events, and the session keeps both', async () => {
  const { store, schema, storedNotes, versions } = await newStoreWithNotes()
  await database.query(`alter table "${schema}".notes add constraint short check (length(text) < 5)`)
  const session = store.session()
  session.events.append('s', added(1))
  session.notes.stage('too long')
  await expect(session.saveChanges()).rejects.toMatchObject({ code: 'DatabaseError', sqlState: '23514' })
  expect(session.pending).toBe(2)
  expect(await versions('s')).toEqual([])
  await database.query(`alter table "${schema}".notes drop constraint short`)
  await session.saveChanges()
  expect([await versions('s'), await storedNotes()]).toEqual([[1], ['too long']])
})

test('an invalid event fails the save before anything is sent', async () => {
  const { store, pool } = await newStoreWithNotes()
  const session = store.session()
  session.events.append('s', [{ type: 'Noted', data: Number.NaN }])
  pool.take()
  await expect(session.saveChanges()).rejects.toMatchObject({ code: 'UnstorableValue', path: [] })
  expect(pool.take().filter((sent) => sent.text.includes('append'))).toEqual([])
  expect(session.pending).toBe(1)
})

test('several appends to one stream follow one another, in the order of their staging, in one statement', async () => {
  const { store, pool, versions } = await newStoreWithNotes()
  await store.events.append('s', added(3))
  const session = store.session()
  session.events.append('s', added(2, 4), { expected: 3 })
  session.events.append('other', added(1))
  session.events.append('s', added(1, 6), { expected: 3 })
  session.events.append('s', added(1, 7), { expected: 6 })
  session.events.append('s', added(1, 8))
  pool.take()
  const saved = await session.saveChanges()
  expect(saved.events.map(({ streamId, version }) => [streamId, version])).toEqual([
    ['s', 5],
    ['other', 1],
    ['s', 6],
    ['s', 7],
    ['s', 8],
  ])
  expect(pool.take()).toHaveLength(3)
  expect(await versions('s')).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  const data = (await store.events.readStream('s').toArray()).map((event) => event.data)
  expect(data).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => ({ n })))
})

test.each<[ExpectedVersion, ExpectedVersion]>([
  [3, 9],
  ['noStream', 3],
  ['streamExists', 'noStream'],
])('staging %s and then %s contradicts itself, at once, and stages nothing', async (first, second) => {
  const { store } = await newStoreWithNotes()
  const session = store.session()
  session.events.append('s', added(2), { expected: first })
  expect(() => session.events.append('s', added(1), { expected: second })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'expected' }) as Error,
  )
  expect(session.pending).toBe(1)
})

test('clear drops what is staged', async () => {
  const { store, storedNotes, versions } = await newStoreWithNotes()
  const session = store.session()
  session.events.append('s', added(1))
  session.notes.stage('gone')
  session.clear()
  expect(session.pending).toBe(0)
  session.events.append('s', added(2), { expected: 'noStream' })
  await session.saveChanges()
  expect([await versions('s'), await storedNotes()]).toEqual([[1, 2], []])
})

test("a save inside the caller's transaction ends with it", async () => {
  const { store, versions } = await newStoreWithNotes()
  const client = await database.pool.connect()
  try {
    for (const end of ['rollback', 'commit']) {
      const session = store.session()
      session.events.append(end, added(1))
      await client.query('begin')
      await session.saveChanges({ client })
      await client.query(end)
    }
  } finally {
    client.release()
  }
  expect([await versions('rollback'), await versions('commit')]).toEqual([[], [1]])
})

test('a transaction takes events and the other module together, and all of it rolls back with an error', async () => {
  const { store, storedNotes, versions } = await newStoreWithNotes()
  await store.transaction(async (tx) => {
    await tx.events.append('s', added(1))
    await tx.notes.write('one')
    expect(await tx.events.readStream('s').toArray()).toHaveLength(1)
  })
  const failing = store.transaction(async (tx) => {
    await tx.events.append('s', added(1), { expected: 1 })
    await tx.notes.write('two')
    throw new Error('from the callback')
  })
  await expect(failing).rejects.toThrow('from the callback')
  expect([await versions('s'), await storedNotes()]).toEqual([[1], ['one']])
})

test('a conflict that the callback catches leaves the transaction usable', async () => {
  const { store, versions } = await newStoreWithNotes()
  await store.events.append('s', added(2))
  await store.transaction(async (tx) => {
    await expect(tx.events.append('s', added(1), { expected: 1 })).rejects.toMatchObject({ actual: 2 })
    await tx.events.append('s', added(1), { expected: 2 })
  })
  expect(await versions('s')).toEqual([1, 2, 3])
})
