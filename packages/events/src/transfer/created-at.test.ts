import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromMicros, readCreatedAt } from './created-at.js'

test.each([
  ['0', '1970-01-01T00:00:00.000000Z'],
  ['1', '1970-01-01T00:00:00.000001Z'],
  ['-1', '1969-12-31T23:59:59.999999Z'],
  ['1767225599123456', '2025-12-31T23:59:59.123456Z'],
])('%s microseconds are %s', (micros, text) => expect(fromMicros(micros)).toBe(text))

test('what is written is read back as it is', () => {
  const min = BigInt(Date.parse('0001-01-01T00:00:00Z')) * 1_000n
  const max = BigInt(Date.parse('9999-12-31T23:59:59Z')) * 1_000n
  fc.assert(
    fc.property(fc.bigInt({ min, max }), (micros) => {
      const text = fromMicros(String(micros))
      expect(readCreatedAt(text)).toBe(text)
      expect(BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000n + BigInt(text.slice(20, 26))).toBe(micros)
    }),
  )
})

test.each([
  [new Date(0), '1970-01-01T00:00:00.000000Z'],
  [new Date(1), '1970-01-01T00:00:00.001000Z'],
  ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000000Z'],
  ['2024-02-29T12:00:00.5Z', '2024-02-29T12:00:00.500000Z'],
])('%s is taken', (given, text) => expect(readCreatedAt(given)).toBe(text))

test.each([
  '',
  'now',
  'yesterday',
  '2024-02-30T12:00:00Z',
  '2023-02-29T12:00:00Z',
  '2024-01-01',
  '2024-01-01T12:00:00',
  '2024-01-01T12:00:00+02:00',
  '2024-01-01T12:00:00.1234567Z',
  '2024-01-01T24:00:00Z',
  '2024-01-01T12:00:60Z',
  "2024-01-01T12:00:00Z'",
  '0000-01-01T00:00:00Z',
  '+010000-01-01T00:00:00Z',
  new Date(Number.NaN),
  new Date(Date.parse('9999-12-31T23:59:59.999Z') + 1),
  new Date(-1e15),
  null,
  5,
])('%j is refused', (given) => {
  expect(() => readCreatedAt(given as string)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'createdAt' }) as Error,
  )
})
