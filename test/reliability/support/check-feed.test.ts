import { expect, test } from 'vitest'
import { checkFeed } from './check-feed.js'
import type { RecordedEvent } from './history.js'
import { countProblems } from './violation.js'

const event = (position: number, streamId: string, version: number): RecordedEvent => ({
  position,
  streamId,
  version,
  id: `${streamId}${version}`,
  type: 'Placed',
})

const a1 = event(1, 'a', 1)
const b1 = event(2, 'b', 1)
const a2 = event(4, 'a', 2)
const b2 = event(5, 'b', 2)
const stored = [a1, b1, a2, b2]

const problems = (...seen: readonly RecordedEvent[]) => countProblems(checkFeed(stored, seen))

test('the stored set in its order has no problem', () => {
  expect(problems(a1, b1, a2, b2)).toEqual({})
})

test('finds a lost event', () => {
  expect(problems(a1, a2, b2)).toEqual({ 'I4 lost': 1 })
  expect(problems()).toEqual({ 'I4 lost': 4 })
})

test('finds a double', () => {
  expect(problems(a1, b1, b1, a2, b2)).toEqual({ 'I4 seen twice': 1 })
})

test('finds a swap within one stream', () => {
  expect(problems(a2, a1, b1, b2)).toEqual({ 'I4 position order': 1, 'I4 stream order': 1 })
})

test('finds a swap between two streams', () => {
  expect(problems(b1, a1, a2, b2)).toEqual({ 'I4 position order': 1 })
})

test('finds an event that is not stored', () => {
  expect(problems(a1, b1, a2, b2, event(6, 'a', 3))).toEqual({ 'I4 seen, not stored': 1 })
})

test('finds an event seen with other contents than the stored ones', () => {
  expect(problems(a1, b1, { ...a2, type: 'Closed' }, b2)).toEqual({ 'I4 lost': 1, 'I4 seen, not stored': 1 })
})
