import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { checkStorable } from './check-storable.js'

class Money {
  readonly cents = 100
}
const cyclic: { self?: unknown } = {}
cyclic.self = [cyclic]

/** An object or a list of this depth, the innermost empty. */
function nested(depth: number): unknown {
  let value: unknown = {}
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { in: value }
  return value
}

describe('checkStorable', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['minus zero', -0],
    ['text beyond the first plane', '😀'],
    ['lists in objects in lists', [{ a: [1, true, 'x', { b: null }] }]],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['an object of another realm', runInNewContext('({ a: [1] })')],
    ['499 levels', nested(499)],
  ])('takes %s', (_, value) => {
    expect(() => checkStorable('data', value)).not.toThrow()
  })

  test.each<[unknown, (string | number)[], string]>([
    [undefined, [], '$ is undefined: leave'],
    [{ a: undefined }, ['a'], '$.a is undefined: leave'],
    [{ a: [1, undefined] }, ['a', 1], '$.a[1] is undefined'],
    [{ a: Array.from({ length: 2 }) }, ['a', 0], '$.a[0] is undefined'],
    [Object.assign([] as unknown[], { 1: 'after a hole' }), [0], '$[0] is undefined'],
    [{ at: new Date(0) }, ['at'], '$.at is a Date: store toISOString()'],
    [{ a: () => 1 }, ['a'], '$.a is a function'],
    [{ a: Symbol('a') }, ['a'], '$.a is a symbol'],
    [{ [Symbol('a')]: 1 }, [], '$ is an object with symbol keys'],
    [{ a: 1n }, ['a'], '$.a is a bigint'],
    [{ a: Number.NaN }, ['a'], '$.a is NaN: JSON has no such number'],
    [{ a: Number.NEGATIVE_INFINITY }, ['a'], '$.a is -Infinity'],
    [{ price: new Money() }, ['price'], '$.price is an instance of Money'],
    [new Map(), [], '$ is an instance of Map'],
    [Object.create(Object.create(null) as object), [], '$ is an instance of a class'],
    [{ a: { toJSON: () => 1 } }, ['a', 'toJSON'], '$.a.toJSON is a function'],
    [Object.defineProperty([], 'toJSON', { value: () => 1 }), ['toJSON'], '$.toJSON is a function'],
    [{ a: 'x\0' }, ['a'], '$.a is text with a NUL character'],
    [{ 'x\0': 1 }, ['x\0'], String.raw`$["x\u0000"] is text with a NUL character`],
    [{ a: '\uD800' }, ['a'], '$.a is text with a lone surrogate'],
  ])('refuses %o, with the path', (value, path, message) => {
    expect(() => checkStorable('data', value)).toThrow(
      expect.objectContaining({ code: 'UnstorableValue', path, message: expect.stringContaining(`data: ${message}`) }),
    )
  })

  test.each([
    ['cycles', cyclic],
    ['more than 500 levels', nested(500)],
  ])('refuses %s', (_, value) => {
    expect(() => checkStorable('data', value)).toThrow('… is nested deeper than 500 levels')
  })
})
