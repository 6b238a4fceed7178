import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asJson, NotJsonError } from './as-json.js'

class Money {
  readonly cents = 100
}
class Hidden {
  readonly #cents = 100
  read(): number {
    return this.#cents
  }
}
const cyclic: { self?: unknown } = {}
cyclic.self = { again: [cyclic] }

describe('asJson', () => {
  test('is what JSON gives back, for whatever it can hold', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(asJson(value)).toStrictEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test.each<[string, unknown]>([
    ['undefined properties', { a: undefined, b: [undefined, 1] }],
    ['dates', { at: new Date(0), never: new Date(Number.NaN) }],
    ['toJSON, once', { toJSON: () => ({ toJSON: () => 1, a: 2 }) }],
    ['toJSON with its key', { a: { toJSON: (key: string) => key } }],
    ['instances with properties', new Money()],
    ['functions and symbols', { a: () => 1, b: Symbol('b'), c: [() => 1] }],
    ['a property named __proto__', JSON.parse('{"__proto__":{"a":1}}')],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['no array, but one with holes', Array.from({ length: 2 })],
    ['minus zero', [-0]],
  ])('takes %s as JSON does', (_, value) => {
    expect(asJson(value)).toStrictEqual(JSON.parse(JSON.stringify(value)))
  })

  test('shares nothing with the value', () => {
    const value = { lines: [{ name: 'pen' }] }
    const copy = asJson(value) as typeof value
    value.lines.push({ name: 'ink' })
    expect(copy).toEqual({ lines: [{ name: 'pen' }] })
  })

  test.each<[unknown, string]>([
    [{ a: [Number.NaN] }, '$.a[0] is NaN'],
    [Number.NEGATIVE_INFINITY, '$ is -Infinity'],
    [{ a: 1n }, '$.a is a bigint'],
    [{ a: new Map([[1, 2]]) }, '$.a is an instance of Map'],
    [new Set([1]), '$ is an instance of Set'],
    [/x/, '$ is an instance of RegExp'],
    [new Hidden(), '$ is an instance of Hidden'],
    [Object.create(Object.create(null) as object), '$ is an instance of a class'],
    [cyclic, 'nested deeper than 500 levels'],
  ])('refuses %o, of which JSON would hold something else', (value, message) => {
    expect(() => asJson(value)).toThrow(NotJsonError)
    expect(() => asJson(value)).toThrow(message)
  })
})
