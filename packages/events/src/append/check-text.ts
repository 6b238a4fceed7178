import { InvalidArgumentError } from '@rillflow/core'

/** Longer ids do not fit into an index entry. */
const maxBytes = 1_000

/**
 * Refuses what cannot be an id: anything but text, empty text, over 1,000 bytes, NUL, lone surrogates.
 *
 * @throws InvalidArgument
 */
export function checkText(argument: string, value: unknown): asserts value is string {
  const wanted = wantedOfText(value)
  if (wanted !== undefined) throw new InvalidArgumentError(argument, `${argument} must be ${wanted}.`)
}

/**
 * The same for an id that may be left out; gives what is stored, null for none.
 *
 * @throws InvalidArgument
 */
export function checkOptionalText(argument: string, value: unknown): string | null {
  if (value === undefined) return null
  checkText(argument, value)
  return value
}

/** What `value` would have to be to serve as an id or a name; undefined when it is. */
export function wantedOfText(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return 'a non-empty string'
  if (value.includes('\0')) return 'text without a NUL character'
  if (!value.isWellFormed()) return 'valid Unicode, without a lone surrogate'
  if (value.length > maxBytes / 4 && Buffer.byteLength(value) > maxBytes) return `at most ${maxBytes} bytes`
  return undefined
}
