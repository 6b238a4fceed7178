import { expect, test } from 'vitest'
import { encodeExpected, type ExpectedVersion } from './expected-version.js'

test.each([
  ['any', -1],
  ['noStream', 0],
  ['streamExists', -2],
  [0, 0],
  [7, 7],
  [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
] as const)('%s is %d', (expected, code) => {
  expect(encodeExpected(expected)).toBe(code)
})

test.each([
  -1,
  -2,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  1n,
  '0',
  '',
  'Any',
  'toString',
  null,
  true,
  [],
  {},
])('%o is refused', (expected) => {
  expect(() => encodeExpected(expected as ExpectedVersion)).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'expected' }) as Error,
  )
})
