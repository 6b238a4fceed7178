import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prefixEnd } from './prefix-end.js'

test.each([
  ['order-', 'order.'],
  ['a', 'b'],
  ['z', '{'],
  ['a\u{10ffff}', 'b'],
  // Surrogates are no characters, so the one behind U+D7FF is U+E000.
  ['\ud7ff', '\ue000'],
  ['\uffff', '\u{10000}'],
  ['\u{1f600}', '\u{1f601}'],
  ['', undefined],
  ['\u{10ffff}', undefined],
  ['\u{10ffff}\u{10ffff}', undefined],
])('what has the prefix %j ends before %j', (prefix, end) => {
  expect(prefixEnd(prefix)).toBe(end)
})

const text = fc.string({ unit: 'binary', maxLength: 4 })

test('a text lies between a prefix and its end exactly when it begins with it', () => {
  fc.assert(
    fc.property(text, text, fc.boolean(), (prefix, rest, begins) => {
      const id = begins ? prefix + rest : rest
      const end = prefixEnd(prefix)
      const isBehind = compare(id, prefix) >= 0
      const isBefore = end === undefined || compare(id, end) < 0
      expect(isBehind && isBefore).toBe(id.startsWith(prefix))
    }),
    { numRuns: 2_000 },
  )
})

/** As the database compares ids: byte by byte. */
function compare(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
