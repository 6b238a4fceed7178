import { createStore, isRillflowError, typed, type SingleStore } from '@rillflow/core'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FaultyProxy } from '../../../test/reliability/support/faulty-proxy.js'
import { defineCollection, documents } from '../src/index.js'
import { blocked } from './support/blocked.js'
import { until } from './support/until.js'
import { useDocuments } from './support/use-documents.js'

interface Note {
  readonly id: string
  readonly n: number
}

const Notes = defineCollection('notes', { schema: typed<Note>() })
const modules = { docs: documents({ notes: Notes }) }
type Store = SingleStore<typeof modules>
type NoteCalls = Store['docs']['notes']

/** On the server itself, to look at what became of things. */
const truth = useDocuments({ notes: Notes })
let proxy: FaultyProxy
let pools: pg.Pool[] = []
let stores: Store[] = []
let round = 0

beforeEach(async () => {
  proxy = await FaultyProxy.start(truth.database.url)
  round += 1
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await proxy[Symbol.asyncDispose]()
  await Promise.all(pools.map((pool) => pool.end()))
  pools = []
  stores = []
})

/** A store behind the proxy, with a connection that is made already. */
async function openNotes(options: { outcomeTimeout?: number; query_timeout?: number } = {}): Promise<NoteCalls> {
  const { outcomeTimeout, query_timeout } = options
  const pool = new pg.Pool({ connectionString: proxy.url, max: 3, query_timeout })
  pool.on('error', () => undefined)
  pools.push(pool)
  const store = createStore({
    connection: { pool },
    modules: { docs: documents({ notes: Notes }, { outcomeTimeout }) },
  })
  stores.push(store)
  await store.docs.notes.get('warm')
  return store.docs.notes
}

const idOf = (name: string): string => `${name}-${round}`
const note = (name = 'd', n = 9): Note => ({ id: idOf(name), n })

/** A document at a version of 3, or of 1, or a deleted one at 3. */
async function bring(state: 'missing' | 'live' | 'first' | 'deleted', name = 'd'): Promise<void> {
  const { notes } = truth.store.docs
  if (state === 'missing') return
  await notes.put(note(name, 1))
  if (state === 'first') return
  await notes.put(note(name, 2))
  await (state === 'live' ? notes.put(note(name, 3)) : notes.delete(idOf(name)))
}

/** What is there, as one line. */
async function stored(name = 'd'): Promise<string> {
  const found = await truth.store.docs.notes.getStored(idOf(name))
  if (found === undefined) return 'none'
  return `${found.version}: ${found.deletedAt === undefined ? found.doc.n : 'deleted'}`
}

/** What a call came to: its version, or the code of its error. */
async function ending(call: Promise<{ readonly version: number }>): Promise<number | string> {
  try {
    return (await call).version
  } catch (error) {
    if (!isRillflowError(error)) throw error
    return error.code
  }
}

const calls = {
  put: (notes: NoteCalls) => notes.put(note()),
  'put of 3': (notes: NoteCalls) => notes.put(note(), { expected: 3 }),
  'put of 2': (notes: NoteCalls) => notes.put(note(), { expected: 2 }),
  'put of 1': (notes: NoteCalls) => notes.put(note(), { expected: 1 }),
  insert: (notes: NoteCalls) => notes.insert(note()),
  delete: (notes: NoteCalls) => notes.delete(idOf('d')),
  'delete of 3': (notes: NoteCalls) => notes.delete(idOf('d'), { expected: 3 }),
  restore: (notes: NoteCalls) => notes.restore(idOf('d')),
  'restore of 3': (notes: NoteCalls) => notes.restore(idOf('d'), { expected: 3 }),
  patch: (notes: NoteCalls) => notes.patch(idOf('d'), (patch) => patch.set('n', 9)),
  'patch of 3': (notes: NoteCalls) => notes.patch(idOf('d'), (patch) => patch.set('n', 9), { expected: 3 }),
  purge: (notes: NoteCalls) => notes.purge(idOf('d')),
}

type Row = readonly [
  call: keyof typeof calls,
  state: 'missing' | 'live' | 'first' | 'deleted',
  told: number | string,
  is: string,
]

describe('cut between the commit and its answer', () => {
  test.each<Row>([
    ['put', 'missing', 1, '1: 9'],
    ['put', 'live', 4, '4: 9'],
    ['put of 3', 'live', 4, '4: 9'],
    ['insert', 'missing', 1, '1: 9'],
    ['delete', 'live', 4, '4: deleted'],
    ['delete of 3', 'live', 4, '4: deleted'],
    ['restore', 'deleted', 4, '4: 2'],
    ['restore of 3', 'deleted', 4, '4: 2'],
    ['patch', 'live', 4, '4: 9'],
    ['patch of 3', 'live', 4, '4: 9'],
    // A row that is gone does not tell who removed it.
    ['purge', 'deleted', 'CommitOutcomeUnknown', 'none'],
  ])('%s of one that is %s: the original result', async (call, state, told, is) => {
    await bring(state)
    const notes = await openNotes()
    proxy.arm('reply', /rf_/)
    expect(await ending(calls[call](notes))).toBe(told)
    expect(proxy.armed, 'the fault has struck').toBe(false)
    expect(await stored()).toBe(is)
    expect(pools[0]?.idleCount).toBe(pools[0]?.totalCount)
  })

  test.each<Row>([
    ['insert', 'first', 'ConnectionLost', '1: 1'],
    ['put of 3', 'first', 'ConnectionLost', '1: 1'],
    ['put of 2', 'live', 'ConnectionLost', '3: 3'],
    ['put of 1', 'live', 'CommitOutcomeUnknown', '3: 3'],
    ['put', 'deleted', 'CommitOutcomeUnknown', '3: deleted'],
    ['delete', 'missing', 'ConnectionLost', 'none'],
  ])('%s of one that is %s, which was refused: as far as that can be seen', async (call, state, told, is) => {
    await bring(state)
    const notes = await openNotes()
    proxy.arm('reply', /rf_/)
    expect(await ending(calls[call](notes))).toBe(told)
    expect(await stored()).toBe(is)
  })

  test('calls that left together: each its own truth', async () => {
    await bring('first', 'taken')
    await bring('live', 'there')
    const notes = await openNotes()
    proxy.arm('reply', /rf_put_many/)
    const endings = await Promise.all([
      ending(notes.put(note('a'))),
      ending(notes.put(note('there'))),
      ending(notes.insert(note('taken'))),
      ending(notes.put(note('b'))),
    ])
    expect(proxy.armed).toBe(false)
    expect(endings).toEqual([1, 4, 'ConnectionLost', 1])
    expect(await Promise.all(['a', 'there', 'taken', 'b'].map(stored))).toEqual(['1: 9', '4: 9', '1: 1', '1: 9'])
  })
})

describe('cut before the server has the statement', () => {
  test.each<Row>([
    ['put', 'missing', 'ConnectionLost', 'none'],
    ['insert', 'missing', 'ConnectionLost', 'none'],
    ['insert', 'first', 'ConnectionLost', '1: 1'],
    ['put of 3', 'live', 'ConnectionLost', '3: 3'],
    ['put of 2', 'live', 'ConnectionLost', '3: 3'],
    ['delete of 3', 'live', 'ConnectionLost', '3: 3'],
    ['restore of 3', 'deleted', 'ConnectionLost', '3: deleted'],
    ['patch of 3', 'live', 'ConnectionLost', '3: 3'],
    ['purge', 'deleted', 'ConnectionLost', '3: deleted'],
    // Another may have written in between, and then the version does not tell what came before.
    ['put', 'live', 'CommitOutcomeUnknown', '3: 3'],
    ['delete', 'live', 'CommitOutcomeUnknown', '3: 3'],
    ['restore', 'deleted', 'CommitOutcomeUnknown', '3: deleted'],
    ['patch', 'live', 'CommitOutcomeUnknown', '3: 3'],
  ])('%s of one that is %s: %s', async (call, state, told, is) => {
    await bring(state)
    const notes = await openNotes()
    proxy.arm('request', /rf_/)
    const error = await calls[call](notes).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: told, retryable: told === 'ConnectionLost' })
    expect((error as Error).message).toContain(idOf('d'))
    expect(await stored()).toBe(is)
    expect(await ending(notes.put(note('afterwards')))).toBe(1)
  })

  test('what another has written, word for word the same, is not taken for its own', async () => {
    await truth.store.docs.notes.insert(note())
    const notes = await openNotes()
    proxy.arm('request', /rf_/)
    expect(await ending(notes.insert(note()))).toBe('ConnectionLost')
    await truth.store.docs.notes.put(note(), { expected: 1 })
    proxy.arm('request', /rf_/)
    expect(await ending(notes.put(note(), { expected: 1 }))).toBe('ConnectionLost')
    expect(await ending(notes.put(note(), { expected: 1 }))).toBe('VersionConflict')
  })

  test('when no connection can be made at all: ConnectionLost at once, for nothing was sent', async () => {
    const notes = await openNotes()
    await proxy[Symbol.asyncDispose]()
    await until(() => pools[0]?.totalCount === 0)
    await expect(notes.put(note())).rejects.toMatchObject({ code: 'ConnectionLost', sent: undefined })
  })
})

describe('many documents', () => {
  const many = (): Note[] => Array.from({ length: 1_500 }, (_, at) => note(`m${at}`, at))

  test.each(['reply', 'request'] as const)('one statement of several is cut (%s): told for each', async (fault) => {
    const notes = await openNotes()
    proxy.arm(fault, /rf_put_many/)
    // The last one stands in it again, with the same value: another statement, which must not be taken for the first.
    const { outcomes, failed } = await notes.putMany([...many(), note('m0', 0)])
    expect(proxy.armed).toBe(false)
    const isStored = fault === 'reply'
    expect(failed).toBe(isStored ? 0 : 1_000)
    const lost = outcomes.slice(0, 1_000)
    expect(new Set(lost.map(({ version, error }) => version ?? error?.code))).toEqual(
      new Set([isStored ? 1 : 'ConnectionLost']),
    )
    expect(outcomes.slice(1_000, 1_500).every(({ version }) => version === 1)).toBe(true)
    expect(outcomes[1_500]).toMatchObject({ version: isStored ? 2 : 1 })
    expect(await stored('m1')).toBe(isStored ? '1: 1' : 'none')
  })

  test('the second statement on a document is cut: the first one is not taken for it', async () => {
    const notes = await openNotes()
    // Two of one id cannot leave together.
    const pair = [note('pair', 1), note('pair', 2)]
    proxy.arm('request', /rf_put_many/, 1)
    const { outcomes } = await notes.putMany(pair, { expected: ({ n }) => n - 1 })
    expect(proxy.armed).toBe(false)
    expect(outcomes).toMatchObject([{ version: 1 }, { error: { code: 'ConnectionLost' } }])
    expect(await stored('pair')).toBe('1: 1')
  })
})

/** Runs `work` while a transaction of the test's own holds the document. */
async function whileHeld(work: (letGo: () => Promise<void>) => Promise<void>): Promise<void> {
  const holder = await truth.database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from rillflow.docs where id = $1 for update', [idOf('d')])
    await work(async () => void (await holder.query('commit')))
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

describe('the statement goes on in the server when its connection is cut', () => {
  test('and ends in time: the original result, and nothing is said before', async () => {
    await bring('live')
    const notes = await openNotes({ outcomeTimeout: 60_000 })
    await whileHeld(async (letGo) => {
      let told = false
      const call = ending(notes.put(note())).finally(() => (told = true))
      await blocked(truth.database)
      expect(proxy.cut('rf_put')).toBe(1)
      // It is still there, so nobody may say that nothing was stored.
      for (let look = 0; look < 50; look += 1) await stored()
      expect(told).toBe(false)
      await letGo()
      expect(await call).toBe(4)
    })
    expect(await stored()).toBe('4: 9')
  })

  test('and outlives the budget: CommitOutcomeUnknown, which is the truth', async () => {
    await bring('live')
    const notes = await openNotes({ outcomeTimeout: 150 })
    await whileHeld(async (letGo) => {
      const call = ending(notes.put(note(), { expected: 3 }))
      await blocked(truth.database)
      expect(proxy.cut('rf_put')).toBe(1)
      expect(await call).toBe('CommitOutcomeUnknown')
      expect(await stored()).toBe('3: 3')
      await letGo()
    })
    // The statement has committed after all.
    await until(async () => (await stored()) === '4: 9')
  })

  const rivals: Readonly<Record<string, () => Promise<unknown>>> = {
    put: () => truth.store.docs.notes.put(note('d', 7)),
    'put in a transaction': () => truth.store.transaction((tx) => tx.docs.notes.put(note('d', 7))),
    patch: () => truth.store.docs.notes.patch(idOf('d'), (patch) => patch.set('n', 7)),
    putMany: () => truth.store.docs.notes.putMany([note('d', 7), note('e', 7)]),
    patchMany: () => truth.store.docs.notes.patchMany([idOf('d')], (patch) => patch.set('n', 7)),
    deleteMany: () => truth.store.docs.notes.deleteMany([idOf('d')]),
    delete: () => truth.store.docs.notes.delete(idOf('d')),
    session: async () => {
      const session = truth.store.session()
      session.docs.notes.store(note('d', 7))
      await session.saveChanges()
    },
  }

  test.each(Object.keys(rivals))('and is written over before it is looked for, by %s: unknown', async (rival) => {
    await bring('live')
    const notes = await openNotes({ outcomeTimeout: 60_000 })
    await whileHeld(async (letGo) => {
      const call = ending(notes.put(note(), { expected: 3 }))
      await blocked(truth.database, 1)
      const rivalling = (rivals[rival] as () => Promise<unknown>)()
      await blocked(truth.database, 2)
      // Nobody begins to read the table before both have ended.
      const guarding = truth.store.transaction((tx) => tx.sql`lock table rillflow.docs`)
      await blocked(truth.database, 3)
      expect(proxy.cut('rf_put')).toBe(1)
      await letGo()
      await Promise.all([rivalling, guarding])
      expect(await call).toBe('CommitOutcomeUnknown')
    })
    expect(await stored()).toMatch(/^5: /)
  })
})

test.each([
  ['its question', /lost_backend/, 'request'],
  ['the answer', /lost_backend/, 'reply'],
  ['the question for the document', /rf_find_written/, 'request'],
  ['the answer about the document', /rf_find_written/, 'reply'],
] as const)('the look for what became of it fails too, %s is cut: it looks again', async (_, statement, fault) => {
  const notes = await openNotes()
  const call = ending(notes.put(note()))
  proxy.arm('reply', /rf_put/)
  await proxy.untilStruck()
  proxy.arm(fault, statement)
  expect(await call).toBe(1)
  expect(proxy.armed).toBe(false)
})

test('silence instead of an end, on a pool whose queries time out: the original result', async () => {
  const notes = await openNotes({ query_timeout: 1_000, outcomeTimeout: 60_000 })
  proxy.arm('silentReply', /rf_put/)
  expect(await ending(notes.put(note()))).toBe(1)
  expect(proxy.armed).toBe(false)
})

test('inside a transaction the COMMIT decides, so what is lost before it is not stored', async () => {
  await openNotes()
  const [store] = stores as [Store]
  proxy.arm('request', /rf_put/)
  const work = store.transaction((tx) => tx.docs.notes.put(note()))
  await expect(work).rejects.toMatchObject({ code: 'ConnectionLost' })
  expect(await stored()).toBe('none')
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('%d is no time to look for', (outcomeTimeout) => {
  expect(() => documents({ notes: Notes }, { outcomeTimeout })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig' }),
  )
})
