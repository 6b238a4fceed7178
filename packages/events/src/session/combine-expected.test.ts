import { expect, test } from 'vitest'
import type { ExpectedVersion } from '../append/expected-version.js'
import { combineExpected } from './combine-expected.js'

/** Two appends, the first of 2 events, and what they expect together; undefined when they contradict each other. */
const cases: readonly (readonly [ExpectedVersion, ExpectedVersion, ExpectedVersion | undefined])[] = [
  ['any', 'any', 'any'],
  ['any', 'streamExists', 'any'],
  ['any', 'noStream', 0],
  ['any', 0, 0],
  ['any', 5, 5],
  ['noStream', 'any', 'noStream'],
  ['noStream', 'streamExists', 'noStream'],
  ['noStream', 'noStream', 'noStream'],
  ['noStream', 0, 'noStream'],
  ['noStream', 2, 'noStream'],
  ['noStream', 1, undefined],
  ['noStream', 3, undefined],
  ['streamExists', 'any', 'streamExists'],
  ['streamExists', 'streamExists', 'streamExists'],
  ['streamExists', 'noStream', undefined],
  ['streamExists', 0, undefined],
  ['streamExists', 5, 5],
  [0, 'any', 0],
  [0, 2, 0],
  [0, 'noStream', 0],
  [5, 'any', 5],
  [5, 'streamExists', 5],
  [5, 'noStream', undefined],
  [5, 5, 5],
  [5, 7, 5],
  [5, 6, undefined],
  [5, 4, undefined],
]

test.each(cases)('%s and then %s is %s', (before, next, together) => {
  expect(combineExpected(before, next, 2)).toBe(together)
})

/** Tells whether a stream at `version` is as expected. */
function fits(expected: ExpectedVersion, version: number): boolean {
  if (expected === 'any') return true
  if (expected === 'streamExists') return version > 0
  return version === (expected === 'noStream' ? 0 : expected)
}

test('what is combined accepts a stream only if both appends, one after the other, accept it or its base', () => {
  const wrong: string[] = []
  const modes: readonly ExpectedVersion[] = ['any', 'noStream', 'streamExists', 0, 1, 2, 3, 4]
  for (const before of modes) {
    for (const next of modes) {
      const together = combineExpected(before, next, 2)
      for (const version of [0, 1, 2, 3, 4, 5]) {
        // The later append may mean the stream as it is, or as the earlier one leaves it.
        const both = fits(before, version) && (fits(next, version) || fits(next, version + 2))
        const accepted = together !== undefined && fits(together, version)
        if (accepted && !both) wrong.push(`${before}, ${next} at ${version}`)
      }
    }
  }
  expect(wrong).toEqual([])
})
