import { expect, test } from 'vitest'
import { countAnomalies } from './anomaly.js'
import { checkRegisters } from './check-registers.js'
import type { RegisterOperation } from './register-operation.js'

type Made = Omit<RegisterOperation, 'register' | 'begin' | 'end' | 'outcome'> & Partial<RegisterOperation>

/** Operations that follow one another, unless they say when they begin and end. */
const found = (...operations: readonly Made[]) =>
  countAnomalies(
    checkRegisters(
      operations.map((operation, at) => ({
        register: 'r',
        begin: 10 * at,
        end: 10 * at + 1,
        outcome: 'ok' as const,
        ...operation,
      })),
    ),
  )

const write = (value: string, version: number): Made => ({ kind: 'write', value, version })
const read = (value: string | undefined, version?: number): Made => ({ kind: 'read', value, version })

test('writes, reads and changes in the order of their versions have no anomaly', () => {
  expect(
    found(
      read(undefined, 0),
      write('a', 1),
      read('a', 1),
      read('a'),
      { kind: 'change', value: 'b', version: 2, saw: 'a' },
      { kind: 'write', value: 'c', version: 3, expected: 2 },
      { kind: 'write', value: 'd', version: 3, expected: 2, outcome: 'refused' },
      { kind: 'write', value: 'e', outcome: 'failed' },
      read('c', 3),
    ),
  ).toEqual({})
})

test('operations at the same time may stand in either order', () => {
  const late = { begin: 0, end: 100 }
  expect(found({ ...write('a', 1), ...late }, { ...write('b', 2), ...late }, { ...read('a', 1), ...late })).toEqual({})
})

test('a write of unknown outcome may be there, from its beginning on, or not', () => {
  const unknown: Made = { kind: 'write', value: 'u', outcome: 'unknown' }
  expect(found(unknown, read(undefined, 0), read('u', 1), write('a', 2))).toEqual({})
  expect(found(unknown, write('a', 1))).toEqual({})
  expect(found(unknown, write('a', 2)), 'it fills the hole').toEqual({})
  expect(found(write('a', 2), { ...unknown, begin: 50 }, read('u', 1))).toEqual({ stale: 2 })
})

test('finds two writes that made one version', () => {
  expect(found(write('a', 1), write('b', 1))).toEqual({ 'lost update': 1 })
})

test('finds a change that replaced what it has not seen', () => {
  const blind: Made = { kind: 'change', value: 'c', version: 3, saw: 'a' }
  expect(found(write('a', 1), write('b', 2), blind)).toEqual({ 'lost update': 1 })
  expect(found(write('a', 1), { kind: 'change', value: 'b', version: 2 })).toEqual({ 'lost update': 1 })
})

test('finds a value of another version, of nobody, and of a write that failed', () => {
  expect(found(write('a', 1), write('b', 2), read('a', 2))).toEqual({ 'wrong value': 1 })
  expect(found(read('x', 0))).toEqual({ phantom: 1 })
  expect(found({ kind: 'write', value: 'a', outcome: 'failed' }, read('a', 0))).toEqual({ G1a: 1 })
})

test('finds a compare-and-set that replaced another version, and a conflict with the version that was there', () => {
  expect(found(write('a', 1), write('b', 2), { kind: 'write', value: 'c', version: 3, expected: 1 })).toEqual({
    'wrong expectation': 1,
  })
  const conflict: Made = { kind: 'write', value: 'b', version: 1, expected: 1, outcome: 'refused' }
  expect(found(write('a', 1), conflict)).toEqual({ 'false conflict': 1 })
})

test('finds a version that nobody has written', () => {
  expect(found(write('a', 1), write('b', 3))).toEqual({ 'version hole': 1 })
})

test('finds a stale read, with and without its version, a stale conflict, and a read from the future', () => {
  expect(found(write('a', 1), write('b', 2), read('a', 1))).toEqual({ stale: 1 })
  expect(found(write('a', 1), write('b', 2), read('a'))).toEqual({ stale: 1 })
  expect(found(write('a', 1), read(undefined, 0))).toEqual({ stale: 1 })
  const conflict: Made = { kind: 'write', value: 'c', version: 1, expected: 5, outcome: 'refused' }
  expect(found(write('a', 1), write('b', 2), conflict)).toEqual({ stale: 1 })
  expect(found(read('a', 1), write('a', 1))).toEqual({ stale: 1 })
})

test('registers do not touch each other', () => {
  expect(found(write('a', 1), { ...write('b', 1), register: 'other' })).toEqual({})
})
