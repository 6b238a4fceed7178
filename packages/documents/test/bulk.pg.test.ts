import { setTimeout as pause } from 'node:timers/promises'
import { createStore, typed } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineCollection, documents, index } from '../src/index.js'
import { blocked } from './support/blocked.js'
import { CountingPool } from './support/counting-pool.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

const schema = z.object({ id: z.string(), n: z.number().default(0), key: z.string().optional() })
const Item = defineCollection('items', { schema, indexes: [index('key', { unique: true })] })
const Loose = defineCollection('loose', { schema: typed<{ id: string; value?: unknown }>() })
const fixture = useDocuments({ items: Item, loose: Loose })
const items = (): (typeof fixture)['store']['docs']['items'] => fixture.store.docs.items
const many = (count: number, name: string): { id: string; n: number }[] =>
  Array.from({ length: count }, (_, n) => ({ id: `${name}-${n}`, n }))

describe('putMany', () => {
  test('2,500 documents leave in three statements', async () => {
    const pool = new CountingPool(fixture.database.url)
    await using store = createStore({ connection: { pool }, modules: { docs: documents({ items: Item }) } })
    const { outcomes, failed } = await store.docs.items.putMany(many(2_500, 'p'))
    expect(failed).toBe(0)
    expect(outcomes).toHaveLength(2_500)
    expect(outcomes[2_499]).toEqual({ id: 'p-2499', version: 1, changed: true, error: undefined })
    expect(pool.operations).toEqual(['put_many', 'put_many', 'put_many'])
    await pool.end()
    expect(await items().query().count()).toBeGreaterThanOrEqual(2_500)
  })

  test('each has its own outcome: validation, conflict, deleted, unique, the rest is written', async () => {
    await items().putMany([{ id: 'm-old' }, { id: 'm-gone' }, { id: 'm-key', key: 'm' }])
    await items().delete('m-gone')
    const { outcomes, failed } = await items().putMany(
      [
        { id: 'm-new' },
        { id: 'm-old', n: 1 },
        { id: 'm-gone' },
        { id: 'm-bad', n: 'x' as never },
        { n: 1 } as never,
        { id: 'm-taken', key: 'm' },
        { id: '', n: 1 },
        { id: 'm-new', n: 2 },
      ],
      { expected: ({ id }) => (id === 'm-old' ? 7 : undefined) },
    )
    expect(failed).toBe(6)
    expect(outcomes).toMatchObject([
      { id: 'm-new', version: 1, error: undefined },
      { id: 'm-old', error: { code: 'VersionConflict', expected: 7, actual: 1 } },
      { id: 'm-gone', error: { code: 'DocumentDeleted' } },
      { id: 'm-bad', error: { code: 'ValidationFailed' } },
      { id: undefined, error: { code: 'ValidationFailed' } },
      { id: 'm-taken', error: { code: 'UniqueConflict', fields: ['key'] } },
      { id: '', error: { code: 'InvalidArgument' } },
      { id: 'm-new', version: 2 },
    ])
    expect(await items().get('m-new')).toEqual({ id: 'm-new', n: 2 })
  })

  test('inside a transaction all of it is part of it', async () => {
    const mine = new Error('mine')
    const work = fixture.store.transaction(async (tx) => {
      expect(await tx.docs.items.putMany(many(5, 't'))).toMatchObject({ failed: 0 })
      throw mine
    })
    await expect(work).rejects.toBe(mine)
    expect(await items().get('t-0')).toBeUndefined()
    const unique = fixture.store.transaction(
      (tx) =>
      tx.docs.items.putMany([{ id: 't-1', key: 't' }, { id: 't-2', key: 't' }]), // prettier-ignore
    )
    expect(await errorOf(unique)).toMatchObject({ code: 'UniqueConflict' })
  })

  test.each(['there are', 'are new'])(
    'rows that %s are taken in one order, whatever the order given',
    async (state) => {
      const [first, second] = [`a ${state}`, `b ${state}`] as const
      if (state === 'there are') {
        // In this order, so that the table itself has them in the other one.
        await items().put({ id: second })
        await items().put({ id: first })
      }
      const [holder, other] = [await fixture.database.pool.connect(), await fixture.database.pool.connect()]
      await holder.query('begin')
      await fixture.store.transaction({ client: holder }, (tx) => tx.docs.items.put({ id: first, n: 1 }))
      const putting = items().putMany([{ id: second }, { id: first }])
      await blocked(fixture.database)
      // It waits for the first document, and so has not taken the second one: this would wait, and run into its limit.
      await other.query("begin; set local lock_timeout = '50ms'")
      await fixture.store.transaction({ client: other }, (tx) => tx.docs.items.put({ id: second, n: 1 }))
      await other.query('commit')
      await holder.query('commit')
      holder.release()
      other.release()
      expect(await putting).toMatchObject({ failed: 0 })
    },
  )

  test('nothing at all is nothing', async () => {
    expect(await items().putMany([])).toEqual({ outcomes: [], failed: 0 })
  })
})

test('insertMany, patchMany and deleteMany tell each outcome', async () => {
  expect(await items().insertMany(many(3, 'i'))).toMatchObject({ failed: 0 })
  expect(await items().insertMany(many(4, 'i'))).toMatchObject({
    failed: 3,
    outcomes: [{ error: { code: 'VersionConflict', expected: 0, actual: 1 } }, {}, {}, { version: 1 }],
  })
  const patched = await items().patchMany(['i-0', 'i-1', 'nope', 'i-1'], (patch) => patch.set('n', 1))
  expect(patched.outcomes).toMatchObject([
    { id: 'i-0', version: 2, changed: true },
    { id: 'i-1', version: 1, changed: false },
    { id: 'nope', error: { code: 'DocumentNotFound' } },
    { id: 'i-1', version: 1, changed: false },
  ])
  const refused = await items().patchMany(['i-0', 'i-1'], (patch) => patch.set(['n', 'x'] as never, 1 as never))
  expect(refused).toMatchObject({ failed: 2, outcomes: [{ error: { code: 'PatchRefused', path: ['n', 'x'] } }, {}] })
  const deleted = await items().deleteMany(['i-0', 'nope', 'i-0'])
  expect(deleted.outcomes).toMatchObject([
    { id: 'i-0', version: 3 },
    { id: 'nope', error: { code: 'DocumentNotFound' } },
    { id: 'i-0', error: { code: 'DocumentDeleted' } },
  ])
})

describe('importAll', () => {
  async function* slowly<Doc>(docs: readonly Doc[]): AsyncGenerator<Doc> {
    for (const [at, doc] of docs.entries()) {
      if (at % 500 === 0) await pause(0)
      yield doc
    }
  }

  test('stores documents of any number, and tells how far it has come', async () => {
    const seen: number[] = []
    const stored = await items().importAll(slowly(many(5_000, 'c')), { onProgress: ({ documents: n }) => seen.push(n) })
    expect(stored).toBe(5_000)
    expect(seen.at(-1)).toBe(5_000)
    expect(seen.length).toBeGreaterThan(1)
    expect(await items().getStored('c-4999')).toMatchObject({ version: 1, doc: { id: 'c-4999', n: 4_999 } })
  })

  test('every text comes back as it went in', async () => {
    const texts = ['a\tb', 'a\nb', '\r', '\\', '\\.', '\\N', '"', "'", '\u0001', '\u007f', '😀', '\\u0041', '']
    const docs = texts.map((value, at) => ({ id: `x${at} ${value}`, value: { [value]: [value] } }))
    expect(await fixture.store.docs.loose.importAll(docs)).toBe(texts.length)
    expect(await fixture.store.docs.loose.getMany(docs.map(({ id }) => id))).toEqual(docs)
  })

  test.each([
    ['an id that is taken', [{ id: 'e-1' }, { id: 'taken' }], { code: 'UniqueConflict', fields: ['id'] }],
    ['an id twice', [{ id: 'e-1' }, { id: 'e-1' }], { code: 'UniqueConflict', fields: ['id'] }],
    ['a unique value', [{ id: 'e-1' }, { id: 'e-2', key: 'import' }], { code: 'UniqueConflict', fields: ['key'] }],
    ['a document that does not fit', [{ id: 'e-1' }, { id: 'e-2', n: 'x' }], { code: 'ValidationFailed' }],
  ])('%s: nothing is stored, on the store as in a transaction', async (_what, docs, error) => {
    await items().put({ id: 'taken', key: 'import' })
    expect(await errorOf(items().importAll(docs as never))).toMatchObject(error)
    const inside = fixture.store.transaction((tx) => tx.docs.items.importAll(docs as never))
    expect(await errorOf(inside)).toMatchObject(error)
    expect(await items().get('e-1')).toBeUndefined()
    // The connections are fit for use.
    await Promise.all(Array.from({ length: 12 }, () => items().getStored('taken')))
  })

  test('an error of the source, and an abort, come out unchanged', async () => {
    const mine = new Error('mine')
    const failing = (function* () {
      yield* many(2_000, 's')
      throw mine
    })()
    await expect(items().importAll(failing)).rejects.toBe(mine)
    const controller = new AbortController()
    const onProgress = (): void => controller.abort(mine)
    await expect(items().importAll(many(20_000, 's'), { onProgress, signal: controller.signal })).rejects.toBe(mine)
    expect(await items().get('s-0')).toBeUndefined()
  })

  test('a driver that knows no COPY is given statements', async () => {
    const pool = new CountingPool(fixture.database.url)
    await using store = createStore({ connection: { pool }, modules: { docs: documents({ items: Item }) } })
    expect(await store.docs.items.importAll(many(1_500, 'n'))).toBe(1_500)
    await pool.end()
    expect(await items().getStored('n-1499')).toMatchObject({ version: 1 })
  })
})
