import { expect, test } from 'vitest'
import { readFilters, type EventFilter } from './event-filter.js'

const refused: readonly (readonly [why: string, filter: unknown])[] = [
  ['an empty list of filters', []],
  ['a filter that names nothing', {}],
  ['a filter whose only field is undefined', { types: undefined }],
  ['one that names nothing among others', [{ types: ['Added'] }, {}]],
  ['a field that does not exist', { type: ['Added'] }],
  ['a field that does not exist beside one that does', { types: ['Added'], streamID: ['s'] }],
  ['no filter', null],
  ['a word', 'Added'],
  ['a filter that is a list', [['Added']]],
  ['an empty list of types', { types: [] }],
  ['an empty list of categories', { categories: [] }],
  ['an empty list of streams', { streamIds: [] }],
  ['a type that is not in a list', { types: 'Added' }],
  ['an empty type', { types: [''] }],
  ['a type that is no text', { types: [1] }],
  ['a NUL character', { streamIds: ['a\0'] }],
  ['a lone surrogate', { streamPrefix: '\ud800' }],
  ['an empty prefix', { streamPrefix: '' }],
  ['an empty correlation id', { correlationId: '' }],
  ['a correlation id that is a list', { correlationId: ['c'] }],
]

test.each(refused)('%s is refused', (_, filter) => {
  expect(() => readFilters(filter as EventFilter)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument' }) as Error,
  )
})

test('nothing told is no condition, and one filter is a list of one', () => {
  expect(readFilters(undefined)).toEqual([])
  expect(readFilters({ types: ['Added'] })).toEqual(readFilters([{ types: ['Added'] }]))
})

test('a name given twice counts once', () => {
  expect(readFilters({ types: ['Added', 'Removed', 'Added'] })).toEqual([
    [{ column: 'types', value: ['Added', 'Removed'] }],
  ])
})
