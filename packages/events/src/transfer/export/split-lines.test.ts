import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitLines } from './split-lines.js'

async function all(source: Iterable<string | Uint8Array>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of splitLines(source)) lines.push(line)
  return lines
}

/** Cuts at the given places, in order. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => bytes.slice(index === 0 ? 0 : ends[index - 1], end))
}

test('lines are whole wherever their bytes are cut', async () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => `x${text.replaceAll(/[\n\r]/g, '')}`)
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, places) => {
      const bytes = new TextEncoder().encode(lines.map((each) => `${each}\n`).join(''))
      expect(await all(cut(bytes, places))).toEqual(lines)
    }),
  )
})

test('the last newline may be missing, and empty lines are nothing', async () => {
  expect(await all(['a\n\nb\r\n\r\n', 'c'])).toEqual(['a', 'b\r', 'c'])
  expect(await all([])).toEqual([])
})

test('separators of other kinds end no line', async () => {
  expect(await all(['a\u2028b\u2029c\u0085d\n'])).toEqual(['a\u2028b\u2029c\u0085d'])
})

test.each([
  ['in the middle', [Uint8Array.of(0x61, 0xff, 0x0a)]],
  ['at the end', [Uint8Array.of(0x61, 0xe2, 0x82)]],
])('bytes that are no UTF-8 %s are refused', async (_, pieces) => {
  await expect(all(pieces)).rejects.toThrow(TypeError)
})
