import { InvalidArgumentError } from '@rillflow/core'
import { quote } from '../describe-document.js'

const maxFieldBytes = 1024

/**
 * Cuts a dotted field into its segments.
 *
 * @throws InvalidArgument when it is no text that PostgreSQL can hold, or is over 1,024 bytes.
 */
export function parseField(field: string): readonly string[] {
  if (typeof field !== 'string' || field === '') refuse(field, 'is empty')
  if (field.includes('\0') || !field.isWellFormed()) refuse(field, 'holds a NUL character or a lone surrogate')
  if (Buffer.byteLength(field) > maxFieldBytes) refuse(field, `is over ${maxFieldBytes} bytes`)
  return field.split('.')
}

/** Writes segments as PostgreSQL writes a text[]; not left to the driver, whose arrays differ from one to the next. */
export function toTextArray(segments: readonly string[]): string {
  return `{${segments.map((segment) => `"${segment.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`
}

function refuse(field: unknown, what: string): never {
  throw new InvalidArgumentError(
    'field',
    `The field ${quote(String(field))} ${what}; name a property, dotted if nested.`,
  )
}
