import { getEventListeners } from 'node:events'
import { createStore, typed, type SingleStore } from '@rillflow/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineCollection, documents, index } from '../src/index.js'
import { blocked } from './support/blocked.js'
import { CountingPool } from './support/counting-pool.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

interface Note {
  readonly id: string
  readonly text: string
  readonly key?: string
}

const modules = {
  docs: documents({
    notes: defineCollection('notes', { schema: typed<Note>(), indexes: [index('key', { unique: true })] }),
    others: defineCollection('others', { schema: typed<Note>() }),
  }),
}
const fixture = useDocuments({
  notes: defineCollection('notes', { schema: typed<Note>(), indexes: [index('key', { unique: true })] }),
  others: defineCollection('others', { schema: typed<Note>() }),
})
let pool: CountingPool
let store: SingleStore<typeof modules>
let round = 0

beforeEach(() => {
  pool = new CountingPool(fixture.database.url)
  store = createStore({ connection: { pool }, modules })
  round += 1
})
afterEach(async () => {
  await store.close()
  await pool.end()
})

const note = (name: string, more: object = {}): Note => ({ id: `${name}-${round}`, text: name, ...more })
const ids = (count: number, name = 'n'): readonly string[] =>
  Array.from({ length: count }, (_, at) => note(`${name}${at}`).id)

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Lets the first call out and keeps its answer back, so that the calls made meanwhile queue. */
async function whileOneIsOut<Result>(first: () => Promise<unknown>, then: () => Promise<Result>): Promise<Result> {
  let open = (): void => undefined
  pool.gate = new Promise((resolve) => (open = resolve))
  const leading = first()
  while (pool.sent.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const result = then()
  await new Promise((resolve) => setImmediate(resolve))
  pool.gate = undefined
  open()
  await leading
  return result
}

describe('get', () => {
  test('those of one tick leave as one statement, each with its own answer', async () => {
    await store.docs.notes.putMany(ids(20).map((id) => ({ id, text: id })))
    pool.sent = []
    const wanted = [...ids(20), 'missing', ids(20)[0] as string]
    const found = await Promise.all(wanted.map((id) => store.docs.notes.get(id)))
    expect(found.map((doc) => doc?.id)).toEqual([...ids(20), undefined, ids(20)[0]])
    // The same id twice gives two objects: what one caller does to its own is no other's business.
    expect(found[0]).not.toBe(found.at(-1))
    expect(pool.operations).toEqual(['get many'])
  })

  test('a lone one is its own statement', async () => {
    await store.docs.notes.get('missing')
    expect(pool.operations).toEqual(['get'])
  })

  test('one that is made after a put was acknowledged sees it', async () => {
    for (let time = 1; time <= 20; time += 1) {
      const reading = Promise.all(ids(5).map((id) => store.docs.notes.get(id)))
      await store.docs.notes.put(note('seen', { text: `${time}` }))
      expect(await store.docs.notes.get(note('seen').id)).toMatchObject({ text: `${time}` })
      await reading
    }
  })

  test('a failure is told to each', async () => {
    await using gone = createStore({
      connection: { url: fixture.database.url.replace(/\/[^/]*$/, '/no_such_database') },
      modules,
    })
    const codes = await Promise.all(ids(3).map(async (id) => (await errorOf(gone.docs.notes.get(id))).code))
    expect(codes).toHaveLength(3)
  })
})

describe('put, insert and delete', () => {
  test('while one is out the others queue, and leave as one statement, each with its own outcome', async () => {
    await store.docs.notes.putMany([note('there'), note('gone'), note('stale'), note('fine')])
    await store.docs.notes.delete(note('gone').id)
    pool.sent = []
    const outcomes = await whileOneIsOut(
      () => store.docs.notes.put(note('first')),
      () =>
        Promise.allSettled([
          store.docs.notes.put(note('new')),
          store.docs.others.put(note('new')),
          store.docs.notes.put(note('there')),
          store.docs.notes.insert(note('there2')),
          store.docs.notes.insert(note('fine')),
          store.docs.notes.put(note('gone')),
          store.docs.notes.put(note('stale'), { expected: 7 }),
          store.docs.notes.put(note('nowhere'), { expected: 7 }),
        ]),
    )
    expect(outcomes).toMatchObject([
      { value: { id: note('new').id, version: 1 } },
      { value: { id: note('new').id, version: 1 } },
      { value: { version: 2 } },
      { value: { version: 1 } },
      { reason: { code: 'VersionConflict', expected: 0, actual: 1, collection: 'notes' } },
      { reason: { code: 'DocumentDeleted', id: note('gone').id } },
      { reason: { code: 'VersionConflict', expected: 7, actual: 1 } },
      { reason: { code: 'VersionConflict', expected: 7, actual: 0 } },
    ])
    expect(pool.operations).toEqual(['put', 'put_many'])
    expect(await store.docs.others.getStored(note('new').id)).toMatchObject({ version: 1, doc: { text: 'new' } })
    expect(await store.docs.notes.getStored(note('stale').id)).toMatchObject({ version: 1 })
  })

  test('deletes leave together as well', async () => {
    await store.docs.notes.putMany(ids(3).map((id) => ({ id, text: '' })))
    pool.sent = []
    const outcomes = await whileOneIsOut(
      () => store.docs.notes.delete(ids(3)[0] as string),
      () => Promise.allSettled([...ids(3), 'missing'].slice(1).map((id) => store.docs.notes.delete(id))),
    )
    expect(outcomes).toMatchObject([
      { value: { version: 2 } },
      { value: { version: 2 } },
      { reason: { code: 'DocumentNotFound', id: 'missing' } },
    ])
    expect(pool.operations).toEqual(['delete', 'delete_many'])
  })

  test('calls on one document keep their order', async () => {
    const texts = Array.from({ length: 10 }, (_, at) => `${at}`)
    const written = await Promise.all(texts.map((text) => store.docs.notes.put(note('same', { text }))))
    expect(written.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(await store.docs.notes.get(note('same').id)).toMatchObject({ text: '9' })
    const gone = store.docs.notes.delete(note('same').id)
    expect(await errorOf(store.docs.notes.put(note('same')))).toMatchObject({ code: 'DocumentDeleted' })
    expect(await gone).toMatchObject({ version: 11 })
  })

  test('one that breaks a unique index fails alone', async () => {
    const outcomes = await whileOneIsOut(
      () => store.docs.notes.put(note('k0', { key: `k${round}` })),
      () =>
        Promise.allSettled([
          store.docs.notes.put(note('k1')),
          store.docs.notes.put(note('k2', { key: `k${round}` })),
          store.docs.notes.put(note('k3')),
        ]),
    )
    expect(outcomes).toMatchObject([
      { value: { version: 1 } },
      {
        reason: { code: 'UniqueConflict', fields: ['key'], index: expect.stringMatching(/^docs_notes_key_/) as string },
      },
      { value: { version: 1 } },
    ])
  })

  test('a document that was put by another connection meanwhile is found by the second run', async () => {
    const holder = await fixture.database.pool.connect()
    await holder.query('begin')
    await store.transaction({ client: holder }, (tx) => tx.docs.notes.insert(note('raced')))
    const outcomes = whileOneIsOut(
      () => store.docs.notes.put(note('other')),
      () =>
        Promise.allSettled([
          store.docs.notes.put(note('raced', { text: 'second' })),
          store.docs.notes.put(note('else')),
        ]),
    )
    // The statement has begun, and does not see what is committed from now on.
    await blocked(fixture.database)
    await holder.query('commit')
    holder.release()
    expect(await outcomes).toMatchObject([{ value: { version: 2 } }, { value: { version: 1 } }])
  })
})

describe('a signal', () => {
  const isAborted = (operation: string, name: string): object => ({
    code: 'Aborted',
    collection: 'notes',
    id: note(name).id,
    cause: 'changed my mind',
    message: expect.stringContaining(`The ${operation} of document`) as string,
  })

  test('withdraws what waits; what has left tells its outcome', async () => {
    await store.docs.notes.put(note('doomed'))
    const controller = new AbortController()
    const { signal } = controller
    pool.sent = []
    let out: Promise<unknown> | undefined
    const outcomes = await whileOneIsOut(
      () => (out = store.docs.notes.put(note('out'), { signal })),
      async () => {
        const queued = Promise.allSettled([
          store.docs.notes.put(note('put'), { signal }),
          store.docs.notes.insert(note('insert'), { signal }),
          store.docs.notes.delete(note('doomed').id, { signal }),
          store.docs.notes.put(note('stays')),
        ])
        // Once all of them are queued, which takes a few turns of promises.
        for (let look = 0; look < 100 && getEventListeners(signal, 'abort').length < 3; look += 1) await nextTurn()
        expect(getEventListeners(signal, 'abort')).toHaveLength(3)
        controller.abort('changed my mind')
        return queued
      },
    )
    expect(await out).toMatchObject({ version: 1 })
    expect(outcomes).toMatchObject([
      { reason: isAborted('put', 'put') },
      { reason: isAborted('insert', 'insert') },
      { reason: isAborted('delete', 'doomed') },
      { value: { version: 1 } },
    ])
    expect(pool.operations).toEqual(['put', 'put'])
    expect(await store.docs.notes.get(note('doomed').id)).toBeDefined()
  })

  test('withdraws a get that waits for the turn of the event loop', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const outcomes = await whileOneIsOut(
      () => store.docs.notes.get('leading'),
      async () => {
        const queued = Promise.allSettled([store.docs.notes.get(note('a').id, { signal }), store.docs.notes.get('b')])
        for (let look = 0; look < 100 && getEventListeners(signal, 'abort').length < 1; look += 1) await nextTurn()
        controller.abort('changed my mind')
        return queued
      },
    )
    expect(outcomes).toMatchObject([{ reason: isAborted('get', 'a') }, { value: undefined }])
    expect(pool.operations).toEqual(['get', 'get'])
  })

  test('that was aborted before sends nothing, on the store as in a transaction', async () => {
    const signal = AbortSignal.abort('changed my mind')
    const calls = async (notes: typeof store.docs.notes): Promise<void> => {
      expect(await errorOf(notes.put(note('put'), { signal }))).toMatchObject(isAborted('put', 'put'))
      expect(await errorOf(notes.insert(note('new'), { signal }))).toMatchObject(isAborted('insert', 'new'))
      expect(await errorOf(notes.get(note('a').id, { signal }))).toMatchObject(isAborted('get', 'a'))
      expect(await errorOf(notes.delete(note('a').id, { signal }))).toMatchObject(isAborted('delete', 'a'))
    }
    await calls(store.docs.notes)
    await store.transaction((tx) => calls(tx.docs.notes))
    expect(pool.operations).toEqual(['begin', 'commit'])
  })
})

test('10,000 calls may wait; one more is Overloaded, and nothing of it is done', async () => {
  const outcomes = await whileOneIsOut(
    () => store.docs.notes.get('leading'),
    async () => {
      const queued = Promise.allSettled(Array.from({ length: 10_001 }, (_, at) => store.docs.notes.get(`q-${at}`)))
      for (let look = 0; look < 10; look += 1) await nextTurn()
      return queued
    },
  )
  expect(outcomes.slice(0, 10_000).filter(({ status }) => status === 'rejected')).toEqual([])
  expect(outcomes[10_000]).toMatchObject({ reason: { code: 'Overloaded', retryable: true } })
  const asked = pool.sent.slice(1).flatMap(({ values }) => String(values?.[1]).slice(1, -1).split(','))
  expect(asked).toHaveLength(10_000)
})

test('close waits for what is queued', async () => {
  const closed = whileOneIsOut(
    () => store.docs.notes.put(note('out')),
    async () => {
      const writing = ids(5).map((id) => store.docs.notes.put({ id, text: '' }))
      // The calls queue when their tenant is known.
      await new Promise((resolve) => setImmediate(resolve))
      return [store.close(), ...writing]
    },
  )
  const [, ...written] = await Promise.all(await closed)
  expect(written).toMatchObject(ids(5).map((id) => ({ id, version: 1 })))
})
