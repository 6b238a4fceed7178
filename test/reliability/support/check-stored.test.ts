import { expect, test } from 'vitest'
import { checkStored } from './check-stored.js'
import type { Attempt, Stored } from './history.js'
import { countProblems } from './violation.js'

const event = (position: number, streamId: string, version: number, id: string) => ({
  position,
  streamId,
  version,
  id,
  type: 'Placed',
})

const attempts: readonly Attempt[] = [
  {
    outcome: 'acknowledged',
    document: 'd1',
    appends: [
      { streamId: 'a', ids: ['a1', 'a2'], version: 2, position: 2 },
      { streamId: 'b', ids: ['b1'], version: 1, position: 3 },
    ],
  },
  { outcome: 'rolledBack', document: 'd2', appends: [{ streamId: 'a', ids: ['x1'] }] },
  { outcome: 'unknown', document: 'd3', appends: [{ streamId: 'a', ids: ['a3'] }], code: 'CommitOutcomeUnknown' },
]

const a1 = event(1, 'a', 1, 'a1')
const a2 = event(2, 'a', 2, 'a2')
const b1 = event(3, 'b', 1, 'b1')

function problems(change: Partial<Stored>) {
  const whole: Stored = { events: [a1, a2, b1], streams: new Map([['a', 2], ['b', 1]]), documents: ['d1'] } // prettier-ignore
  return countProblems(checkStored(attempts, { ...whole, ...change }))
}

test('what agrees has no problem, whichever way the unknown outcome went', () => {
  expect(problems({})).toEqual({})
  const a3 = event(5, 'a', 3, 'a3')
  const streams = new Map([['a', 3], ['b', 1]]) // prettier-ignore
  expect(problems({ events: [a1, a2, b1, a3], streams, documents: ['d1', 'd3'] })).toEqual({})
})

test('finds an acknowledged event that is not stored', () => {
  expect(problems({ events: [a1, a2], streams: new Map([['a', 2]]) })).toEqual({ 'I1 lost': 1 })
})

test('finds an acknowledged document that is not stored', () => {
  expect(problems({ documents: [] })).toEqual({ 'I1 lost': 1 })
})

test.each([
  ['in another stream', { ...b1, streamId: 'c' }, { c: 1 }],
  ['at another position', { ...b1, position: 4 }, { b: 1 }],
])('finds an acknowledged event %s', (_, moved, streams) => {
  const all = new Map(Object.entries({ a: 2, ...streams }))
  expect(problems({ events: [a1, a2, moved], streams: all })).toEqual({ 'I1 moved': 1 })
})

test('finds two events that changed places', () => {
  const swapped = [event(1, 'a', 1, 'a2'), event(2, 'a', 2, 'a1'), b1]
  expect(problems({ events: swapped })).toEqual({ 'I1 moved': 2 })
})

test('finds what was rolled back and what nobody wrote', () => {
  const extra = [event(4, 'a', 3, 'x1'), event(5, 'b', 2, 'y1')]
  const streams = new Map([['a', 3], ['b', 2]]) // prettier-ignore
  expect(problems({ events: [a1, a2, b1, ...extra], streams, documents: ['d1', 'd2', 'd9'] })).toEqual({
    'I2 unacknowledged': 4,
  })
})

test('finds a hole in the versions', () => {
  const events = [a1, a2, b1, event(5, 'a', 4, 'a3')]
  const streams = new Map([['a', 4], ['b', 1]]) // prettier-ignore
  expect(problems({ events, streams })).toEqual({ 'I3 version hole': 1 })
})

test('finds a version twice', () => {
  const events = [a1, a2, b1, event(5, 'a', 2, 'a3')]
  expect(problems({ events })).toEqual({ 'I3 version twice': 1 })
})

test('finds a stream whose own version is another one, or that is not there', () => {
  expect(problems({ streams: new Map([['a', 3]]) })).toEqual({ 'I3 stream version': 2 })
  expect(problems({ streams: new Map([['a', 2], ['b', 1], ['c', 1]]) })).toEqual({ 'I3 stream version': 1 }) // prettier-ignore
})
