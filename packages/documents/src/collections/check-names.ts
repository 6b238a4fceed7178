import { InvalidArgumentError } from '@rillflow/core'

/** Both are in the primary key, and id is in each declared index: PostgreSQL takes about 2,700 bytes for one entry. */
export const maxCollectionBytes = 128
export const maxIdBytes = 1024

/**
 * Checks the name of a collection: 1 to 128 bytes of text without NUL.
 *
 * @throws InvalidArgument
 */
export function checkCollectionName(name: unknown): string {
  return checkName(name, 'collection', maxCollectionBytes)
}

/**
 * Checks the id of a document: 1 to 1,024 bytes of text without NUL.
 *
 * @throws InvalidArgument
 */
export function checkDocumentId(id: unknown): string {
  return checkName(id, 'id', maxIdBytes)
}

function checkName(value: unknown, argument: string, maxBytes: number): string {
  if (typeof value !== 'string') refuse(argument, `must be a string, not ${value === null ? 'null' : typeof value}`)
  if (value === '') refuse(argument, 'is empty; give it at least one character')
  if (value.includes('\0')) refuse(argument, 'holds a NUL character, which PostgreSQL cannot store')
  if (!value.isWellFormed()) refuse(argument, 'holds a lone surrogate, which is not valid Unicode')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxBytes) refuse(argument, `has ${bytes} bytes; at most ${maxBytes} are possible`)
  return value
}

function refuse(argument: string, what: string): never {
  throw new InvalidArgumentError(
    argument,
    `The ${argument === 'id' ? 'id of a document' : 'name of a collection'} ${what}.`,
  )
}
