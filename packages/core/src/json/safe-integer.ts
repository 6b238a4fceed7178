import { PositionOverflowError } from '../errors/usage-errors.js'

/**
 * Reads a bigint that came off the wire as text into a number, exactly or not at all.
 *
 * @throws {@link PositionOverflowError} beyond 2^53 - 1; `what` names the value: `position`, `version`.
 */
export function safeInteger(text: string | number, what: string): number {
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value)) throw new PositionOverflowError(what)
  return value
}
