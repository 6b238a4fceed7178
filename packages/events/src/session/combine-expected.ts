import type { ExpectedVersion } from '../append/expected-version.js'

/**
 * What two appends to one stream, staged one after the other, expect together of the stream as it is in the database;
 * undefined when they contradict each other.
 *
 * The later one may name the stream's version in the database, or the one that the `staged` events before it lead to.
 */
export function combineExpected(
  before: ExpectedVersion,
  next: ExpectedVersion,
  staged: number,
): ExpectedVersion | undefined {
  // The earlier append makes the stream exist, so nothing is left of the later one's wish.
  if (next === 'any' || next === 'streamExists') return before
  const base = next === 'noStream' ? 0 : next
  if (before === 'any') return base
  if (before === 'streamExists') return base > 0 ? base : undefined
  const known = before === 'noStream' ? 0 : before
  return base === known || base === known + staged ? before : undefined
}
