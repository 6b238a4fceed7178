import { createHash } from 'node:crypto'

/**
 * The SHA-256 of a migration's text, as hex.
 *
 * Of the template, so that it is the same in every schema; and with line endings made one, so that a checkout on
 * Windows does not look like a change.
 */
export function checksum(template: string): string {
  return createHash('sha256').update(template.replaceAll('\r\n', '\n')).digest('hex')
}
