import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/support/thrown-by.js'
import { checkStorable, encodeJson, formatPath } from './encode-json.js'

class Money {
  readonly amount = 1
}

const cycle: Record<string, unknown> = {}
cycle['self'] = { again: cycle }

/** `levels` arrays inside one another. */
function nested(levels: number): unknown {
  let value: unknown = 'core'
  for (let level = 0; level < levels; level += 1) value = [value]
  return value
}

const hiddenToJson = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'other', enumerable: false })
const arrayToJson = Object.assign([1], { toJSON: () => 'other' })

describe('refused, with the path', () => {
  test.each<[string, unknown, (string | number)[], RegExp]>([
    ['undefined at the root', undefined, [], /^\$ is undefined/],
    ['an undefined property', { a: { b: undefined } }, ['a', 'b'], /^\$\.a\.b is undefined/],
    ['undefined in an array', { a: [1, undefined] }, ['a', 1], /^\$\.a\[1\] is undefined/],
    ['a sparse array', { a: Object.assign([], { length: 3 }) }, ['a', 0], /^\$\.a\[0\] is undefined/],
    ['NaN', { a: Number.NaN }, ['a'], /^\$\.a is NaN/],
    ['Infinity', [Number.POSITIVE_INFINITY], [0], /^\$\[0\] is Infinity/],
    ['-Infinity', [Number.NEGATIVE_INFINITY], [0], /^\$\[0\] is -Infinity/],
    ['a bigint', { total: 1n }, ['total'], /^\$\.total is a bigint/],
    ['a function', { f: () => 1 }, ['f'], /^\$\.f is a function/],
    ['a symbol', { s: Symbol('x') }, ['s'], /^\$\.s is a symbol/],
    ['a symbol key', { a: { [Symbol('x')]: 1 } }, ['a'], /^\$\.a is an object with symbol keys/],
    ['a Date', { at: new Date(0) }, ['at'], /^\$\.at is a Date/],
    ['a class instance', { price: new Money() }, ['price'], /^\$\.price is an instance of Money/],
    ['a Map', { m: new Map() }, ['m'], /instance of Map/],
    ['a Set', { s: new Set() }, ['s'], /instance of Set/],
    ['a Buffer', { b: Buffer.from('x') }, ['b'], /instance of Buffer/],
    ['a boxed string', { s: Object('x') }, ['s'], /instance of String/],
    ['an object with an odd prototype', { o: Object.create({ inherited: 1 }) }, ['o'], /^\$\.o is an instance/],
    ['an object whose prototype has none', { o: Object.create(Object.create(null)) }, ['o'], /^\$\.o is an instance/],
    ['a NUL', { a: 'x\0y' }, ['a'], /^\$\.a is text with a NUL/],
    ['a NUL in a key', { 'x\0y': 1 }, ['x\0y'], /is text with a NUL/],
    ['a lone high surrogate', { a: 'x\uD800' }, ['a'], /^\$\.a is text with a lone surrogate/],
    ['a lone low surrogate', { a: '\uDC00x' }, ['a'], /lone surrogate/],
    ['a lone surrogate in a key', { '\uD800': 1 }, ['\uD800'], /lone surrogate/],
    ['a toJSON method', { a: { toJSON: () => 1 } }, ['a', 'toJSON'], /^\$\.a\.toJSON is a function/],
    ['a toJSON method out of sight', hiddenToJson, ['toJSON'], /^\$\.toJSON is a function/],
    ['a toJSON method on an array', { a: arrayToJson }, ['a', 'toJSON'], /^\$\.a\.toJSON is a function/],
    ['a bad value behind a __proto__ key', JSON.parse('{"__proto__":{"a":"\\u0000"}}'), ['__proto__', 'a'], /NUL/],
  ])('%s', (_, value, path, message) => {
    const error = thrownBy(() => encodeJson(value))
    expect(error).toMatchObject({ code: 'UnstorableValue', path })
    expect((error as Error).message).toMatch(message)
    expect(thrownBy(() => checkStorable(value))).toMatchObject({ code: 'UnstorableValue', path })
  })

  test('a cycle', () => {
    const error = thrownBy(() => encodeJson(cycle)) as Error
    expect(error).toMatchObject({ code: 'UnstorableValue' })
    expect(error.message).toContain('a cycle ends here too')
    expect(error.message.length).toBeLessThan(300)
  })

  test('501 levels; 500 are taken', () => {
    expect(thrownBy(() => encodeJson(nested(501)))).toMatchObject({ code: 'UnstorableValue' })
    expect(JSON.parse(encodeJson(nested(500)))).toEqual(nested(500))
  })

  test('no payload in any message', () => {
    const secret = 'canary-5312'
    for (const value of [`${secret}\0`, `${secret}\uD800`, { a: [secret, undefined] }, { a: `${secret}\0` }]) {
      expect((thrownBy(() => encodeJson(value)) as Error).message).not.toContain(secret)
    }
  })
})

describe('taken', () => {
  test.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['an empty object', {}, '{}'],
    ['minus zero, as JSON writes it', -0, '0'],
    ['an own __proto__ key', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    ['a property called toJSON that is data', { toJSON: 'x' }, '{"toJSON":"x"}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['an object of another realm', runInNewContext('({ a: [1, { b: 2 }] })'), '{"a":[1,{"b":2}]}'],
    ['an astral character', '🦆', '"🦆"'],
    ['the value of a getter', { get a() { return 1 } }, '{"a":1}'], // prettier-ignore
  ])('%s', (_, value, text) => expect(encodeJson(value)).toBe(text))

  test('one object in two places is no cycle', () => {
    const shared = { a: 1 }
    expect(encodeJson({ one: shared, two: [shared] })).toBe('{"one":{"a":1},"two":[{"a":1}]}')
  })

  test('checking pollutes no prototype', () => {
    encodeJson(JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'))
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('I/O equality', () => {
  test('any JSON value comes back deeply equal, or is refused for a NUL', { timeout: 180_000 }, () => {
    let taken = 0
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value)
        if (text.includes('\\u0000')) return refusesNul(value)
        taken += 1
        // JSON writes -0 as 0; that is said in the documentation and is the one difference.
        return isDeepStrictEqual(JSON.parse(encodeJson(value)), JSON.parse(text))
      }),
      { numRuns: 500 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  test('whatever else JavaScript has comes back deeply equal too, or is refused', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }), (value) => {
        const text = textOrRefusal(value)
        if (text === undefined) return true
        taken += 1
        return (
          isDeepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(value))) && sameLeaves(value, JSON.parse(text))
        )
      }),
      { numRuns: 2_000 },
    )
    expect(taken).toBeGreaterThan(100)
  })
})

/** True when the value was refused, and for nothing but a NUL: a text that only spells one out must be stored. */
function refusesNul(value: unknown): boolean {
  const text = textOrRefusal(value)
  return text === undefined ? holdsNul(value) : isDeepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
}

function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0')
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, each]) => key.includes('\0') || holdsNul(each))
}

function textOrRefusal(value: unknown): string | undefined {
  try {
    return encodeJson(value)
  } catch (error) {
    expect(error).toMatchObject({ code: 'UnstorableValue', path: expect.any(Array) })
    return undefined
  }
}

/** Nothing is dropped and nothing is turned into something else: same keys, same leaves. */
function sameLeaves(before: unknown, after: unknown): boolean {
  if (typeof before !== 'object' || before === null) return before === after
  if (typeof after !== 'object' || after === null) return false
  const keys = Object.keys(before)
  if (keys.length !== Object.keys(after).length) return false
  return keys.every((key) => sameLeaves(Reflect.get(before, key), Reflect.get(after, key)))
}

describe('formatPath', () => {
  test.each<[(string | number)[], string]>([
    [[], '$'],
    [['lines', 2, 'price'], '$.lines[2].price'],
    [['odd key', 'a.b', ''], '$["odd key"]["a.b"][""]'],
    [['quo"te'], '$["quo\\"te"]'],
  ])('%j', (path, text) => expect(formatPath(path)).toBe(text))

  test('cuts long keys and long paths', () => {
    expect(formatPath(['k'.repeat(1_000)])).toBe(`$["${'k'.repeat(40)}"]`)
    expect(formatPath(Array.from({ length: 40 }, () => 'a'))).toBe(`$${'.a'.repeat(12)}…`)
  })
})
