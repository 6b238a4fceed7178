import { UniqueConflictError } from '../errors.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'

/** The error of an id that is taken. */
export function idTaken({ name }: PreparedCollection, cause: unknown): UniqueConflictError {
  return new UniqueConflictError({ collection: name, fields: ['id'], index: 'docs_pkey', cause })
}
