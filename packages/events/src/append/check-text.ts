import { InvalidArgumentError } from '@rillflow/core'

/** Longer ids do not fit into an index entry. */
const maxBytes = 1_000

/**
 * Refuses what cannot be an id: anything but text, empty text, over 1,000 bytes, NUL, lone surrogates.
 *
 * @throws InvalidArgument
 */
export function checkText(argument: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') refuse(argument, 'a non-empty string')
  if (value.includes('\0')) refuse(argument, 'text without a NUL character')
  if (!value.isWellFormed()) refuse(argument, 'valid Unicode, without a lone surrogate')
  if (value.length > maxBytes / 4 && Buffer.byteLength(value) > maxBytes) refuse(argument, `at most ${maxBytes} bytes`)
}

function refuse(argument: string, what: string): never {
  throw new InvalidArgumentError(argument, `${argument} must be ${what}.`)
}
