import { typed } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineCollection, index, type Patch, type PatchBuild } from '../src/index.js'
import { errorOf, fieldsOf } from './support/error-of.js'
import { blocked } from './support/blocked.js'
import { useDocuments } from './support/use-documents.js'

interface Order {
  readonly id: string
  readonly total: number
  readonly tags: readonly string[]
  readonly lines: readonly { readonly sku: string; readonly count: number }[]
  readonly address?: { readonly city?: string; readonly zip?: string } | null
  readonly note?: string
  readonly memo?: string
  readonly 'odd.key'?: { readonly a: number }
}

const Checked = z.object({ id: z.string(), total: z.number().max(10), at: z.string().default('now') })
const fixture = useDocuments({
  orders: defineCollection('orders', { schema: typed<Order>(), indexes: [index('note', { unique: true })] }),
  checked: defineCollection('checked', { schema: Checked }),
})

const order: Order = {
  id: 'o',
  total: 5,
  tags: ['a', 'b'],
  lines: [
    { sku: 'x', count: 1 },
    { sku: 'y', count: 2 },
  ],
  address: { city: 'Oslo', zip: '0150' },
}

async function patchOf(id: string, build: PatchBuild<Order>, from: Partial<Order> = {}): Promise<Order | undefined> {
  await fixture.store.docs.orders.put({ ...order, ...from, id })
  await fixture.store.docs.orders.patch(id, build)
  return fixture.store.docs.orders.get(id)
}

test.each<[string, PatchBuild<Order>, Partial<Order>]>([
  ['siblings survive', (p) => p.set('address.city', 'Bergen'), { address: { city: 'Bergen', zip: '0150' } }],
  ['an array stays an array', (p) => p.set('tags[1]', 'c'), { tags: ['a', 'c'] }],
  ['a negative index counts from the end', (p) => p.set('tags[-2]', 'c'), { tags: ['c', 'b'] }],
  ['the index behind the last element appends', (p) => p.set('tags[2]', 'c'), { tags: ['a', 'b', 'c'] }],
  [
    'an element is reached through',
    (p) => p.increment('lines[-1].count', 3),
    { lines: [order.lines[0] as Order['lines'][0], { sku: 'y', count: 5 }] },
  ],
  [
    'segments, too',
    (p) => p.set(['lines', 0, 'sku'], 'z').set(['odd.key', 'a'], 1),
    { lines: [{ sku: 'z', count: 1 }, order.lines[1] as Order['lines'][0]], 'odd.key': { a: 1 } },
  ],
  ['append adds at the end', (p) => p.append('tags', 'c', 'd'), { tags: ['a', 'b', 'c', 'd'] }],
  ['insert moves the later ones', (p) => p.insert('tags', 1, 'c'), { tags: ['a', 'c', 'b'] }],
  ['remove takes an element out', (p) => p.remove('tags[0]'), { tags: ['b'] }],
  ['remove of what is not there does nothing', (p) => p.remove('note').remove('tags[7]').increment('total', 0), {}],
  ['duplicate copies', (p) => p.duplicate('address.city', 'note'), { note: 'Oslo' }],
  ['set-if-missing', (p) => p.setIfMissing('total', 9).setIfMissing('memo', 'x'), { memo: 'x' }],
  ['steps see each other', (p) => p.set('total', 1).increment('total').increment('total', -0.5), { total: 1.5 }],
])('%s', async (what, build, expected) => {
  expect(await patchOf(what, build)).toEqual({ ...order, id: what, ...expected })
})

test('rename keeps the value', async () => {
  const { note: _, ...renamed } = { ...order, id: 'r', note: 'n', memo: 'n' }
  expect(await patchOf('r', (p) => p.rename('note', 'memo'), { note: 'n' })).toEqual(renamed)
})

test('missing ancestors are made, also over a null', async () => {
  for (const [id, address] of [
    ['made', undefined],
    ['null', null],
  ] as const) {
    const { address: _, ...bare } = order
    await fixture.store.docs.orders.put(address === undefined ? { ...bare, id } : { ...bare, id, address })
    await fixture.store.docs.orders.patch(id, (p) => p.set('address.city', 'Bodø'))
    expect(await fixture.store.docs.orders.get(id)).toEqual({ ...bare, id, address: { city: 'Bodø' } })
  }
})

describe('what does not fit is refused whole, and makes no version', () => {
  type Loose = Record<keyof Patch<Order>, (...parts: readonly unknown[]) => Loose>
  test.each<[string, (p: Loose) => unknown, object]>([
    ['a name in an array', (p) => p.set('tags.first', 'x'), { path: ['tags', 'first'], reason: 'notIndex' }],
    ['an index in an object', (p) => p.set('address[0]', 'x'), { path: ['address', 0], reason: 'notArray' }],
    ['inside a number', (p) => p.set('total.x', 1), { path: ['total', 'x'], reason: 'notContainer' }],
    ['beyond the end', (p) => p.set('tags[3]', 'x'), { path: ['tags', 3], reason: 'outOfRange' }],
    ['before the start', (p) => p.set('tags[-3]', 'x'), { path: ['tags', -3], reason: 'outOfRange' }],
    ['incrementing text', (p) => p.increment('tags[0]'), { operation: 'increment', reason: 'notNumber' }],
    ['appending to an object', (p) => p.append('address', 1), { operation: 'append', reason: 'notArray' }],
    ['inserting far away', (p) => p.insert('tags', 5, 'x'), { operation: 'insert', reason: 'outOfRange' }],
    ['a name that is taken', (p) => p.rename('total', 'tags'), { operation: 'rename', reason: 'exists' }],
    ['renaming an element', (p) => p.rename('tags[0]', 'x'), { operation: 'rename', reason: 'notObject' }],
    ['an overflow', (p) => p.set('total', 1e308).increment('total', 1e308), { reason: 'overflow' }],
  ])('%s', async (what, build, refusal) => {
    const id = `refused ${what}`
    await fixture.store.docs.orders.put({ ...order, id })
    const before = await fixture.store.docs.orders.getStored(id)
    const loose = (p: unknown): unknown => build((p as Loose).set('note', 'half a patch'))
    const error = await errorOf(fixture.store.docs.orders.patch(id, loose))
    expect(fieldsOf(error)).toMatchObject({ code: 'PatchRefused', collection: 'orders', id, ...refusal })
    expect(error.message).not.toContain('half a patch')
    expect(await fixture.store.docs.orders.getStored(id)).toEqual(before)
  })
})

test('a refused patch leaves the transaction that it is in alive', async () => {
  await fixture.store.docs.orders.put({ ...order, id: 'tx' })
  await fixture.store.transaction(async (tx) => {
    await errorOf(tx.docs.orders.patch('tx', (p) => p.set('tags[9]', 'x')))
    await tx.docs.orders.patch('tx', (p) => p.increment('total'))
  })
  expect(await fixture.store.docs.orders.get('tx')).toMatchObject({ total: 6 })
})

test.each([false, true])('a patch that changes nothing makes no version (validate: %s)', async (validate) => {
  const { checked } = fixture.store.docs
  await checked.put({ id: 'same', total: 5 })
  const before = await checked.getStored('same')
  const result = await checked.patch('same', (p) => p.set('total', 5).setIfMissing('at', 'later'), { validate })
  expect(result).toEqual({ id: 'same', version: before?.version, changed: false })
  expect(await checked.getStored('same')).toEqual(before)
})

test('validate: the result must fit the schema, and what the schema makes of it is stored', async () => {
  const { checked } = fixture.store.docs
  await checked.put({ id: 'v', total: 5 })
  const tooMuch: PatchBuild<{ id: string; total: number; at: string }> = (p) => p.increment('total', 6)
  expect(await errorOf(checked.patch('v', tooMuch, { validate: true }))).toMatchObject({ code: 'ValidationFailed' })
  expect(await checked.getStored('v')).toMatchObject({ version: 1 })
  expect(await checked.patch('v', (p) => p.set('total', 6).remove('at'), { validate: true })).toMatchObject({
    version: 2,
  })
  expect(await checked.get('v')).toEqual({ id: 'v', total: 6, at: 'now' })
})

test('a unique index is named', async () => {
  await fixture.store.docs.orders.put({ ...order, id: 'u1', note: 'unique' })
  await fixture.store.docs.orders.put({ ...order, id: 'u2' })
  const error = errorOf(fixture.store.docs.orders.patch('u2', (p) => p.set('note', 'unique')))
  expect(await error).toMatchObject({ code: 'UniqueConflict', collection: 'orders', fields: ['note'] })
})

test('a patch that meets an open transaction builds on what that one has left', async () => {
  const { orders } = fixture.store.docs
  await orders.put({ ...order, id: 'race' })
  const holder = await fixture.database.pool.connect()
  await holder.query('begin')
  await fixture.store.transaction({ client: holder }, (tx) =>
    tx.docs.orders.patch('race', (p) => p.increment('total', 10)),
  )
  const loser = Promise.allSettled([
    orders.patch('race', (p) => p.increment('total', 100)),
    orders.patch('race', (p) => p.increment('total', 1000), { expected: 1 }),
  ])
  await blocked(fixture.database, 2)
  await holder.query('commit')
  holder.release()
  const [added, conflict] = await loser
  expect(added).toMatchObject({ value: { version: 3, changed: true } })
  expect(conflict).toMatchObject({ reason: { code: 'VersionConflict', expected: 1 } })
  expect(await orders.get('race')).toMatchObject({ total: 115 })
})

test('40 increments at once: none is lost', async () => {
  const { orders } = fixture.store.docs
  await orders.put({ ...order, id: 'busy', total: 0 })
  await Promise.all(Array.from({ length: 40 }, () => orders.patch('busy', (p) => p.increment('total'))))
  expect(await orders.getStored('busy')).toMatchObject({ version: 41, doc: { total: 40 } })
})

test.each<[string, (p: Patch<Order>) => unknown, object]>([
  ['no path', (p) => p.set('' as never, 1 as never), { argument: 'path' }],
  ['a half bracket', (p) => p.set('tags[0' as never, 1 as never), { argument: 'path' }],
  ['two dots', (p) => p.set('address..city' as never, 1 as never), { argument: 'path' }],
  ['a leading dot', (p) => p.set('.total' as never, 1 as never), { argument: 'path' }],
  ['text behind a bracket', (p) => p.set('tags[0]x' as never, 1 as never), { argument: 'path' }],
  ['the id', (p) => p.set('id' as never, 'x' as never), { argument: 'path' }],
  ['a part of the id', (p) => p.remove(['id', 'x'] as never), { argument: 'path' }],
  ['a new id', (p) => p.rename('note', 'id'), { argument: 'path' }],
  ['half an index', (p) => p.set(['tags', 0.5], 'x'), { argument: 'path' }],
  ['NUL', (p) => p.set('a\0' as never, 1 as never), { argument: 'path' }],
  ['NaN', (p) => p.increment('total', Number.NaN), { argument: 'by' }],
  ['undefined', (p) => p.set('total', undefined as never), { code: 'UnstorableValue' }],
  ['no name', (p) => p.rename('note', 5 as never), { code: 'InvalidArgument' }],
])('%s is refused before anything is sent', async (_what, build, error) => {
  expect(await errorOf(fixture.store.docs.orders.patch('none', build))).toMatchObject(error)
})
