import { typed } from '@rillflow/core'
import { expect, test } from 'vitest'
import { defineEvents } from '../definitions/define-events.js'
import { EventRegistry } from '../definitions/event-registry.js'
import { readFilters } from '../read/event-filter.js'
import { expandTypes } from './expand-types.js'
import { upcasterCatalog, type UpcasterCatalog } from './upcaster-catalog.js'
import { upcaster, type EventVersion } from './upcaster.js'

const step = (from: EventVersion, to: EventVersion): ReturnType<typeof upcaster> =>
  upcaster({ from, to, upcast: (data) => data })

const registry = new EventRegistry({ order: defineEvents('order', { Placed: typed(), Shipped: typed() }) }, 'throw', {
  upcasters: [
    step(['Created', 1], ['Created', 2]),
    step(['Created', 2], ['Placed', 3]),
    step(['Opened', 1], ['Placed', 3]),
  ],
})

test('upcasters are listed as they were passed', () => {
  expect(upcasterCatalog(registry).list()).toEqual([
    { from: ['Created', 1], to: ['Created', 2] },
    { from: ['Created', 2], to: ['Placed', 3] },
    { from: ['Opened', 1], to: ['Placed', 3] },
  ])
})

test('the path of a form', () => {
  const path: UpcasterCatalog['path'] = (type, version) => upcasterCatalog(registry).path(type, version)
  expect(path('Created', 1)).toEqual([
    ['Created', 1],
    ['Created', 2],
    ['Placed', 3],
  ])
  expect(path('Placed', 3)).toEqual([['Placed', 3]])
  expect(path('Shipped', 1)).toEqual([['Shipped', 1]])
})

test.each<[string, number, string]>([
  ['Nothing', 1, 'type'],
  ['Created', 3, 'schemaVersion'],
  ['Placed', 1, 'schemaVersion'],
])('%s %d has no path', (type, version, argument) => {
  expect(() => upcasterCatalog(registry).path(type, version)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument }) as Error,
  )
})

test('new events are stored at the version that their chain ends in', () => {
  expect(registry.schemaVersionOf('Placed')).toBe(3)
  expect(registry.schemaVersionOf('Shipped')).toBe(1)
})

test('appending an old name is refused with the new one', () => {
  expect(() => registry.validate('Created', {})).toThrow(/renamed it: append "Placed"/)
})

test.each([
  [['Placed'], ['Placed', 'Created', 'Opened']],
  [['Created'], ['Placed', 'Created', 'Opened']],
  [
    ['Shipped', 'Created', 'Placed'],
    ['Shipped', 'Placed', 'Created', 'Opened'],
  ],
  [['Foreign'], ['Foreign']],
])('a filter by %j finds %j', (types, stored) => {
  const [conditions] = expandTypes(readFilters({ types, categories: ['order'] }), registry)
  expect(conditions).toEqual([
    { column: 'types', value: stored },
    { column: 'categories', value: ['order'] },
  ])
})
