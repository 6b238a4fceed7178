import { InvalidArgumentError } from '@rillflow/core'

/**
 * Checks an expected version; undefined expects nothing.
 *
 * @param least 0 where "must not exist" makes sense, else 1.
 * @throws InvalidArgument
 */
export function checkExpected(expected: number | undefined, least: 0 | 1): number | undefined {
  if (expected === undefined || (Number.isSafeInteger(expected) && expected >= least)) return expected
  throw new InvalidArgumentError(
    'expected',
    `expected must be a whole number from ${least}${least === 0 ? ' (0: the document must not exist)' : ''}, or left out.`,
  )
}
