import { expect, test } from 'vitest'
import { deepFreeze } from './deep-freeze.js'

test('plain objects and arrays are frozen, however deep, and given back', () => {
  const value = { list: [{ deep: { n: 1 } }], bare: Object.create(null) as object, empty: null, none: undefined }
  expect(deepFreeze(value)).toBe(value)
  const parts = [value, value.list, value.list[0], value.list[0]?.deep, value.bare]
  expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true, true])
})

test('a change fails where it is made', () => {
  const value = deepFreeze({ list: [1], deep: { n: 1 } })
  expect(() => value.list.push(2)).toThrow(TypeError)
  expect(() => (value.deep.n = 2)).toThrow(TypeError)
  expect(value).toEqual({ list: [1], deep: { n: 1 } })
})

test('what is no plain object is left as it is', () => {
  class Money {
    amount = 1
  }
  const parts = { date: new Date(0), map: new Map(), set: new Set(), money: new Money(), call: () => 1 }
  deepFreeze(parts)
  expect(Object.values(parts).map((part) => Object.isFrozen(part))).toEqual([false, false, false, false, false])
  for (const value of ['text', 1, 1n, true, null, undefined, Symbol.iterator]) expect(deepFreeze(value)).toBe(value)
})

test('a value that holds itself comes to an end', () => {
  const value: { self?: unknown; parts: unknown[] } = { parts: [] }
  value.self = value
  value.parts.push(value)
  expect(Object.isFrozen(deepFreeze(value).parts)).toBe(true)
})

test('what is frozen already is not gone through again', () => {
  let looks = 0
  const shared = {
    get part() {
      looks += 1
      return 1
    },
  }
  deepFreeze(shared)
  expect(looks).toBe(1)
  deepFreeze({ shared })
  expect(looks).toBe(1)
})
