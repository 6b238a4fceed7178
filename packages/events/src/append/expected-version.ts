import { InvalidArgumentError } from '@rillflow/core'

/**
 * What the caller expects of the stream: its exact version (0 is the same as `noStream`), that it does not exist, that
 * it does, or nothing at all.
 */
export type ExpectedVersion = number | 'any' | 'noStream' | 'streamExists'

const words: Readonly<Record<string, number>> = { any: -1, noStream: 0, streamExists: -2 }

/** The number that the append function takes. */
export function encodeExpected(expected: ExpectedVersion): number {
  const code = typeof expected === 'string' && Object.hasOwn(words, expected) ? words[expected] : expected
  if (Number.isSafeInteger(code) && (typeof expected === 'string' || expected >= 0)) return code as number
  throw new InvalidArgumentError(
    'expected',
    "expected must be a version (0, 1, 2 …), 'any', 'noStream' or 'streamExists'.",
  )
}
