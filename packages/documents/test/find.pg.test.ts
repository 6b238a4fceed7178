import { typed, type Json } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { defineCollection, index } from '../src/index.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

interface Thing {
  readonly id: string
  readonly value?: Json
  readonly nested?: { readonly city?: Json; readonly deep?: { readonly code: string } } | null
}

/** The same documents three times: what find answers must not depend on the index that it has. */
const fixture = useDocuments({
  bare: defineCollection('bare', { schema: typed<Thing>() }),
  indexed: defineCollection('indexed', {
    schema: typed<Thing>(),
    indexes: [index('value'), index('nested.city'), index('nested.deep.code')],
  }),
  unique: defineCollection('unique', {
    schema: typed<Thing>(),
    indexes: [index('value', { unique: true }), index('nested.city', { unique: true })],
  }),
})

const values: readonly Json[] = [
  5,
  '5',
  0,
  '',
  'null',
  true,
  'true',
  false,
  [],
  {},
  [1, 2],
  [2, 1],
  { a: 1 },
  { a: 1, b: 2 },
  { $gt: 1 },
  'Ω',
  1e21,
  0.1,
]

describe.each(['bare', 'indexed', 'unique'] as const)('%s', (key) => {
  const things = (): (typeof fixture)['store']['docs']['bare'] => fixture.store.docs[key]

  test('each value finds its own document and no other', async () => {
    for (const [at, value] of values.entries()) await things().put({ id: `v${at}`, value })
    for (const [at, value] of values.entries()) {
      expect(await things().find({ value })).toEqual([{ id: `v${at}`, value }])
    }
  })

  test('null finds stored nulls, several of them, and no absent field', async () => {
    await things().put({ id: 'n1', value: null })
    await things().put({ id: 'n2', value: null })
    await things().put({ id: 'n3' })
    expect((await things().find({ value: null })).map(({ id }) => id)).toEqual(['n1', 'n2'])
  })

  test('a dotted field reaches into objects; a null or missing parent is no match', async () => {
    await things().put({ id: 'd1', nested: { city: 'Oslo', deep: { code: 'x' } } })
    await things().put({ id: 'd2', nested: null })
    await things().put({ id: 'd3', nested: { city: null } })
    const ids = async (found: Promise<Thing[]>): Promise<string[]> => (await found).map(({ id }) => id)
    expect(await ids(things().find({ 'nested.city': 'Oslo' }))).toEqual(['d1'])
    expect(await ids(things().find({ 'nested.deep.code': 'x' }))).toEqual(['d1'])
    expect(await ids(things().find({ 'nested.city': null }))).toEqual(['d3'])
    expect(await ids(things().find({ 'nested.city': 'Oslo', 'nested.deep.code': 'y' }))).toEqual([])
    expect(await ids(things().find({ id: 'd1', 'nested.city': 'Oslo' }))).toEqual(['d1'])
    expect(await ids(things().find({ nested: { city: null } }))).toEqual(['d3'])
  })

  test('deleted documents are not found, and are again when restored', async () => {
    await things().put({ id: 'gone', value: 'gone' })
    await things().delete('gone')
    expect(await things().find({ value: 'gone' })).toEqual([])
    await things().restore('gone')
    expect(await things().find({ value: 'gone' })).toHaveLength(1)
  })

  test('an empty filter finds every document, in the order of the ids, as many as asked for', async () => {
    const all = (await things().find({})).map(({ id }) => id)
    expect(all.length).toBeGreaterThan(values.length)
    expect(all).toEqual(all.toSorted())
    expect((await things().find({}, { limit: 3 })).map(({ id }) => id)).toEqual(all.slice(0, 3))
  })
})

test('documents of another collection are never found', async () => {
  await fixture.store.docs.bare.put({ id: 'mine', value: 'mine' })
  expect(await fixture.store.docs.indexed.find({ value: 'mine' })).toEqual([])
})

test('find in a transaction sees what the transaction wrote', async () => {
  await fixture.store.transaction(async (tx) => {
    await tx.docs.indexed.put({ id: 'inside', value: 'inside' })
    expect(await tx.docs.indexed.find({ value: 'inside' })).toEqual([{ id: 'inside', value: 'inside' }])
  })
})

describe('refused before anything is sent', () => {
  const find = (filter: object, options?: object): Promise<unknown> => fixture.store.docs.bare.find(filter, options)

  test.each([
    ['an undefined value', { value: undefined }, { code: 'InvalidArgument', argument: 'filter' }],
    ['a Date', { value: new Date(0) }, { code: 'UnstorableValue' }],
    ['NaN', { value: Number.NaN }, { code: 'UnstorableValue' }],
    ['NUL in the value', { value: 'a\0' }, { code: 'UnstorableValue' }],
    ['NUL in the field', { 'a\0': 1 }, { code: 'InvalidArgument', argument: 'field' }],
    ['a lone surrogate in the field', { '\ud800': 1 }, { code: 'InvalidArgument', argument: 'field' }],
    ['an array', [1], { code: 'InvalidArgument', argument: 'filter' }],
    [
      '33 fields',
      Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`f${at}`, at])),
      { code: 'InvalidArgument', argument: 'filter' },
    ],
  ])('%s', async (_what, filter, error) => {
    expect(await errorOf(find(filter))).toMatchObject(error)
  })

  test.each([0, -1, 1.5, Number.NaN, '1' as never])('limit %s', async (limit) => {
    expect(await errorOf(find({}, { limit }))).toMatchObject({ code: 'InvalidArgument', argument: 'limit' })
  })
})
