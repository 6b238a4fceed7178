import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lineDiff } from './line-diff.js'

describe('lineDiff', () => {
  test.each<[string, string, string, readonly string[]]>([
    ['nothing', 'ab', 'ab', ['  … 2 alike']],
    ['a line changed', 'abc', 'axc', ['  a', '- b', '+ x', '  c']],
    ['a line missing', 'abc', 'ac', ['  a', '- b', '  c']],
    ['a line more', 'ac', 'abc', ['  a', '+ b', '  c']],
    ['a block that moved', 'abxy', 'xyab', ['- a', '- b', '  x', '  y', '+ a', '+ b']],
    ['all', 'a', 'b', ['- a', '+ b']],
    ['everything missing', 'ab', '', ['- a', '- b']],
    ['everything more', '', 'ab', ['+ a', '+ b']],
    ['a doubled line', 'aa', 'aaa', ['  a', '  a', '+ a']],
    ['nothing in one line', 'a', 'a', ['  a']],
    ['one line away from being shown', 'abcdx', 'abcdy', ['  a', '  b', '  c', '  d', '- x', '+ y']],
    ['far apart', 'xabcdefghy', 'abcdefgh', ['- x', '  a', '  b', '  c', '  … 2 alike', '  f', '  g', '  h', '- y']],
  ])('%s', (_, expected, actual, diff) => {
    expect(lineDiff(expected.split(''), actual.split(''))).toEqual(diff)
  })

  test('gives back both sides, whatever they are, and no line twice that is alike', () => {
    // So short that no line is far enough from a difference to be left out.
    const side = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 })
    fc.assert(
      fc.property(side, side, (expected, actual) => {
        const lines = lineDiff(expected, actual)
        const sideOf = (sign: string) => lines.filter((line) => !line.startsWith(sign)).map((line) => line.slice(2))
        fc.pre(!isDeepStrictEqual(expected, actual))
        expect([sideOf('+'), sideOf('-')]).toEqual([expected, actual])
        expect(lines.filter((line) => line.startsWith('  '))).toHaveLength(commonCount(expected, actual))
      }),
    )
  })

  test('answers soon for long sides that have nothing in common', () => {
    const sides = ['a', 'b'].map((side) => Array.from({ length: 20_000 }, (_, index) => `${side}${index}`))
    const [expected = [], actual = []] = sides
    expect(lineDiff(expected, actual)).toHaveLength(40_000)
  })
})

/** How many lines two short sides have in common, found by trying all. */
function commonCount(one: readonly string[], other: readonly string[]): number {
  const [first, ...rest] = one
  if (first === undefined) return 0
  const place = other.indexOf(first)
  const without = commonCount(rest, other)
  return place === -1 ? without : Math.max(without, 1 + commonCount(rest, other.slice(place + 1)))
}
