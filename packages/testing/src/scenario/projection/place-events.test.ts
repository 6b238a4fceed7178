import { expect, test } from 'vitest'
import { OrderSummary, seen } from '../../../test/scenario/order-summary.js'
import { givenEvents } from './given-events.js'

const id = '018F3C5E-0000-7000-8000-0000000000AB'
const defaults = {
  schemaVersion: 1,
  headers: {},
  causationId: undefined,
  correlationId: undefined,
  createdAt: new Date('2000-01-01T00:00:00Z'),
}

function idAt(position: number): string {
  return `00000000-0000-7000-8000-00000000000${position}`
}

test('events are folded as they would be read back, with the places that a store gives them', async () => {
  seen.length = 0
  await givenEvents(OrderSummary, [
    { streamId: 'order-1', type: 'OrderPlaced', data: { total: -0 }, id, headers: { user: 'ada' }, causationId: 'c' },
    { streamId: 'order-2', type: 'Noted', data: { text: 'a' }, correlationId: 'd', createdAt: new Date(7) },
    { streamId: 'order-1', type: 'Noted', data: { text: 'b' }, category: 'of no effect' },
  ])
    .when([{ streamId: 'order-3', type: 'OrderClosed', data: {}, category: 'archive' }], { times: 2 })
    .thenNoDocument('order-3')

  const placed = {
    type: 'OrderPlaced',
    data: { total: 0, currency: 'EUR' },
    headers: { user: 'ada' },
    causationId: 'c',
  }
  const noted = { type: 'Noted', data: { text: 'a', count: 1 }, correlationId: 'd', createdAt: new Date(7) }
  const again = { type: 'Noted', data: { text: 'b', count: 1 } }
  const last = { ...defaults, streamId: 'order-3', version: 1, position: 4, category: 'archive', type: 'OrderClosed' }
  const ofOrder1 = { ...defaults, streamId: 'order-1', category: 'order' }
  expect(seen).toStrictEqual([
    { ...ofOrder1, ...placed, version: 1, position: 1, id: id.toLowerCase() },
    { ...defaults, ...noted, streamId: 'order-2', category: 'note', version: 1, position: 2, id: idAt(2) },
    { ...ofOrder1, ...again, version: 2, position: 3, id: idAt(3) },
    // The same event again is the same in all.
    { ...last, data: {}, id: idAt(4) },
    { ...last, data: {}, id: idAt(4) },
  ])
  expect(seen.every((event) => Object.isFrozen(event) && Object.isFrozen(event.data))).toBe(true)
})
