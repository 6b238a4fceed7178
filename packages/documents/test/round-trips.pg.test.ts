import { createStore, typed, type ClientLike, type QueryConfigLike, type SingleStore } from '@rillflow/core'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineCollection, documents, index } from '../src/index.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

const Note = defineCollection('notes', { schema: typed<{ id: string; text: string }>(), indexes: [index('text')] })
const modules = { docs: documents({ notes: Note }) }
const fixture = useDocuments({ notes: Note })

/** A connection that keeps what is sent through it, and may know no array rows, as other drivers do. */
class Listening implements ClientLike {
  readonly #client: pg.Client
  readonly #arrays: boolean
  sent: QueryConfigLike[] = []

  constructor(client: pg.Client, arrays: boolean) {
    this.#client = client
    this.#arrays = arrays
  }

  async query(config: QueryConfigLike): Promise<pg.QueryResult> {
    this.sent.push(config)
    const { rowMode, ...rest } = config
    const values = config.values === undefined ? {} : { values: config.values }
    return this.#client.query({ ...rest, ...values, ...(this.#arrays && rowMode ? { rowMode } : {}) } as never)
  }
}

describe.each([
  ['a driver with array rows', true],
  ['a driver with object rows only', false],
])('%s', (_what, arrays) => {
  let client: pg.Client
  let listening: Listening
  let store: SingleStore<typeof modules>

  beforeAll(async () => {
    client = new pg.Client({ connectionString: fixture.database.url })
    await client.connect()
    listening = new Listening(client, arrays)
    store = createStore({ connection: { client: listening }, modules })
  })
  afterAll(() => client.end())

  beforeEach(async () => {
    await client.query('truncate rillflow.docs')
    await store.docs.notes.put({ id: 'live', text: 'a' })
    await store.docs.notes.put({ id: 'gone', text: 'a' })
    await store.docs.notes.delete('gone')
    listening.sent = []
  })

  const doc = (id: string): { id: string; text: string } => ({ id, text: 'b' })

  test.each([
    ['put, new', () => store.docs.notes.put(doc('new')), { id: 'new', version: 1 }],
    ['put, again', () => store.docs.notes.put(doc('live')), { id: 'live', version: 2 }],
    ['put with a version', () => store.docs.notes.put(doc('live'), { expected: 1 }), { version: 2 }],
    ['insert', () => store.docs.notes.insert(doc('new')), { version: 1 }],
    ['get', () => store.docs.notes.get('live'), { text: 'a' }],
    ['getStored', () => store.docs.notes.getStored('gone'), { version: 2, deletedAt: expect.any(Date) as Date }],
    ['delete', () => store.docs.notes.delete('live'), { version: 2 }],
    ['restore', () => store.docs.notes.restore('gone'), { version: 3 }],
    ['restore of a live one', () => store.docs.notes.restore('live'), { version: 1 }],
    ['getMany', () => store.docs.notes.getMany(['gone', 'live']), [undefined, { id: 'live' }]],
    ['getField', () => store.docs.notes.getField('live', 'text'), 'a'],
    ['patch', () => store.docs.notes.patch('live', (patch) => patch.set('text', 'b')), { version: 2 }],
    ['purge', () => store.docs.notes.purge('gone'), { version: 2 }],
    ['find', () => store.docs.notes.find({ text: 'a' }), [{ id: 'live' }]],
    ['count', () => store.docs.notes.query().count(), 1],
    ['page', () => store.docs.notes.query().orderBy('text').page(5), { rows: [{ id: 'live' }] }],
    ['putMany', () => store.docs.notes.putMany([doc('new'), doc('live')]), { failed: 0 }],
    ['patchMany', () => store.docs.notes.patchMany(['live', 'x'], (patch) => patch.set('text', 'b')), { failed: 1 }],
    ['deleteMany', () => store.docs.notes.deleteMany(['live', 'gone']), { failed: 1 }],
  ])('%s is one named statement', async (_call, call, result) => {
    expect([await call()]).toMatchObject([result])
    expect(listening.sent).toEqual([expect.objectContaining({ name: expect.stringMatching(/^rf_/) as string })])
  })

  test.each([
    ['put with a stale version', () => store.docs.notes.put(doc('live'), { expected: 7 }), { actual: 1 }],
    ['put with a version, missing', () => store.docs.notes.put(doc('new'), { expected: 7 }), { actual: 0 }],
    ['insert, there already', () => store.docs.notes.insert(doc('live')), { actual: 1 }],
    ['delete with a stale version', () => store.docs.notes.delete('live', { expected: 7 }), { actual: 1 }],
    [
      'put with a version, deleted',
      () => store.docs.notes.put(doc('gone'), { expected: 2 }),
      { code: 'DocumentDeleted' },
    ],
    ['put, deleted', () => store.docs.notes.put(doc('gone')), { code: 'DocumentDeleted' }],
    ['purge of a live one', () => store.docs.notes.purge('live'), { code: 'DocumentNotDeleted' }],
    ['purge, missing', () => store.docs.notes.purge('new'), { code: 'DocumentNotFound' }],
    ['purge with a stale version', () => store.docs.notes.purge('gone', { expected: 7 }), { actual: 2 }],
    [
      'patch with a stale version',
      () => store.docs.notes.patch('live', (patch) => patch.set('text', 'b'), { expected: 7 }),
      { actual: 1 },
    ],
    [
      'a patch that does not fit',
      () => store.docs.notes.patch('live', (patch) => patch.set(['text', 0] as never, 'b' as never)),
      { code: 'PatchRefused' },
    ],
    ['delete, missing', () => store.docs.notes.delete('new'), { code: 'DocumentNotFound' }],
  ])('%s is refused in the same round trip', async (_call, call, error) => {
    expect(await errorOf(call())).toMatchObject(error)
    expect(listening.sent).toHaveLength(1)
  })

  test('update is one transaction of two statements', async () => {
    await store.docs.notes.update('live', () => doc('live'))
    expect(listening.sent.map(({ text }) => /^(\/\* \S+|\w+)/.exec(text)?.[0])).toEqual([
      'begin',
      '/* rillflow:update',
      '/* rillflow:put',
      'commit',
    ])
  })
})

test('a session sends every statement before the first answer, where the driver pipelines', async () => {
  const options = { connectionString: fixture.database.url, pipeline: true }
  const client = new pg.Client(options)
  await client.connect()
  let answered = 0
  const answeredBefore: number[] = []
  const counting: ClientLike = {
    pipeline: true,
    async query(config) {
      answeredBefore.push(answered)
      const query: pg.QueryConfig = { ...config, values: config.values ?? [] }
      const result = await client.query(query)
      answered += 1
      return result
    },
  }
  const store = createStore({ connection: { client: counting }, modules })
  await store.docs.notes.put({ id: 'flight', text: 'a' })
  const session = store.session()
  for (const id of ['f1', 'f2', 'f3']) session.docs.notes.store({ id, text: 'a' })
  session.docs.notes.delete('flight')
  answered = 0
  answeredBefore.length = 0
  await session.saveChanges()
  await client.end()
  // begin, then the rows' locks, the puts and the deletes together, then commit.
  expect(answeredBefore).toEqual([0, 1, 1, 1, 4])
})
