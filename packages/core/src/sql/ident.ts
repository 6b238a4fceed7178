import { InvalidIdentifierError } from '../errors/usage-errors.js'

/** PostgreSQL cuts longer names silently, and two long names would become one. */
const maxBytes = 63

/**
 * Quotes a name as an SQL identifier; the only place where a name becomes SQL text.
 *
 * @throws {@link InvalidIdentifierError} when it is empty, over 63 bytes, holds NUL or is not valid Unicode.
 *
 * @example
 * ```ts
 * import { ident } from '@rillflow/core'
 *
 * ident('rillflow') // '"rillflow"'
 * ident('odd"name') // '"odd""name"'
 * ```
 */
export function ident(name: string): string {
  if (typeof name !== 'string' || name === '') throw new InvalidIdentifierError('An SQL identifier cannot be empty.')
  if (name.includes('\0')) throw new InvalidIdentifierError('An SQL identifier cannot hold a NUL character.')
  if (!name.isWellFormed()) throw new InvalidIdentifierError('An SQL identifier must be valid Unicode.')
  const bytes = Buffer.byteLength(name)
  if (bytes > maxBytes) {
    throw new InvalidIdentifierError(
      `The SQL identifier "${name.slice(0, 20)}…" has ${bytes} bytes; PostgreSQL keeps ${maxBytes}.`,
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}
