import { typed } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { describe, expect, test } from 'vitest'
import { defineProjection } from './define-projection.js'
import { selectionOf, selects } from './selection.js'
import { toTable } from './to-table.js'

const Orders = defineEvents('order', { Placed: typed<object>(), Sent: typed<object>() })
const Notes = defineEvents('note', { Noted: typed<object>() })
const to = { name: 'summaries', schema: typed<{ id: string }>() }
const doc = () => ({ id: 'a' })
const fold = { version: 1, from: [Orders], to, on: { Placed: doc } }
const handler = { version: 1, from: [Orders], tables: ['lines'], handle: async () => {} }

const long = 'x'.repeat(56)

test.each<readonly [what: string, options: object, message: RegExp]>([
  ['no version', { ...fold, version: undefined }, /version must be a whole number from 1 on, not undefined/],
  ['version 0', { ...fold, version: 0 }, /version must be/],
  ['half a version', { ...fold, version: 1.5 }, /version must be/],
  ['another mode', { ...fold, mode: 'eager' }, /mode must be 'async', 'inline' or 'live'/],
  ['no families', { ...fold, from: [] }, /from must be a list of families/],
  ['what is no family', { ...fold, from: [{}] }, /from holds something that defineEvents has not made/],
  ['an empty on', { ...fold, on: {} }, /on is empty/],
  ['an unknown type', { ...fold, on: { Lost: doc } }, /on has a function for "Lost", which none of its families has/],
  ['what is no function', { ...fold, on: { Placed: 1 } }, /on\.Placed must be a function/],
  ['no target', { ...fold, to: undefined }, /to must be a collection of defineCollection, or a table of toTable/],
  ['a target without a schema', { ...fold, to: { name: 'a' } }, /to must be a collection/],
  ['a key that is none', { ...fold, key: 'id' }, /key must be a function/],
  ['live with a key', { ...fold, mode: 'live', key: doc }, /a live projection reads the stream of its key/],
  ['live with a handler', { ...handler, mode: 'live' }, /a live projection stores nothing/],
  ['both kinds', { ...fold, ...handler }, /give either `to` and `on`/],
  ['neither kind', { version: 1, from: [Orders] }, /give either `to` and `on`/],
  ['a handler that is none', { ...handler, handle: 1 }, /handle must be a function/],
  ['a handler with a key', { ...handler, key: doc }, /`key` belongs to `to` and `on`/],
  ['no tables', { ...handler, tables: [] }, /tables must name the tables/],
  ['a table twice', { ...handler, tables: ['a', 'a'] }, /tables names one twice/],
  ['a table without a name', { ...handler, tables: [''] }, /tables: .*cannot be empty/],
  ['a table that leaves no room', { ...handler, tables: [long] }, /with what a rebuild adds to it.*has 64 bytes/],
  ['no types', { ...handler, types: [] }, /types must be a list/],
  ['a type of no family', { ...handler, types: ['Noted'] }, /types has "Noted", which none of its families has/],
  ['an empty filter', { ...fold, filter: { categories: undefined } }, /filter names nothing/],
  ['a filter by types', { ...fold, filter: { types: ['Placed'] } }, /filter has no field "types"/],
  ['a filter of nothing', { ...fold, filter: { streamIds: [] } }, /filter\.streamIds must be a list/],
  ['a prefix that is none', { ...fold, filter: { streamPrefix: '' } }, /filter\.streamPrefix must be text/],
  ['migrations that are no list', { ...fold, migrations: {} }, /migrations must be a list/],
  ['nothing', undefined as unknown as object, /the options are missing/],
])('%s is refused, by name', (_, options, message) => {
  const define = (): unknown => defineProjection('order-summary', options as typeof fold)
  expect(define).toThrow(expect.objectContaining({ code: 'InvalidConfig' }) as Error)
  expect(define).toThrow(/^defineProjection\("order-summary"\): /)
  expect(define).toThrow(message)
})

test.each([
  ['', /not empty/],
  ['  ', /not empty/],
  ['x'.repeat(201), /at most 200 bytes/],
  ['a\0', /without NUL/],
])('the name %j is refused', (name, message) => expect(() => defineProjection(name, fold)).toThrow(message))

test.each([
  ['', 'id', /cannot be empty/],
  [long, 'id', /has 64 bytes/],
  ['rows', '', /the key is no column/],
])('toTable(%j, %j) is refused', (name, key, message) => {
  const make = (): unknown => toTable(name, { key: key as 'id', schema: typed<{ id: string }>() })
  expect(make).toThrow(expect.objectContaining({ code: 'InvalidConfig' }) as Error)
  expect(make).toThrow(message)
})

test('the types that are read are those of the handlers, or all of the families', () => {
  expect(defineProjection('a', { ...fold, from: [Orders, Notes] }).types).toEqual(['Placed'])
  expect(defineProjection('a', { ...handler, from: [Orders, Notes] }).types).toEqual(['Placed', 'Sent', 'Noted'])
  expect(defineProjection('a', { ...handler, types: ['Sent', 'Sent'] }).types).toEqual(['Sent'])
})

describe('what is selected here is what the feed selects', () => {
  const event = { type: 'Placed', category: 'order', streamId: 'order-1' }
  test.each([
    [undefined, true],
    [{ streamPrefix: 'order-' }, true],
    [{ streamPrefix: 'note-' }, false],
    [{ streamIds: ['order-1'] }, true],
    [{ streamIds: ['order-2'] }, false],
    [{ categories: ['note', 'order'] }, true],
    [{ categories: ['note'] }, false],
    [{ streamPrefix: 'order-', categories: ['note'] }, false],
  ])('%j: %s', (filter, expected) => {
    const projection = defineProjection('a', { ...fold, filter })
    expect(selectionOf(projection)).toEqual({ ...filter, types: ['Placed'] })
    expect(selects(projection)(event as never)).toBe(expected)
    expect(selects(projection)({ ...event, type: 'Sent' } as never)).toBe(false)
  })
})
