import { isRillflowError, type UniqueViolationError } from '@rillflow/core'
import { UniqueConflictError } from '../errors.js'
import type { PreparedCollection } from './prepared-collection.js'

/** Runs `write`, and turns a violation of one of the collections' unique indexes into `UniqueConflict`. */
export async function namingUniqueConflicts<Result>(
  collections: PreparedCollection | readonly PreparedCollection[],
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    throw toUniqueConflict([collections].flat(), error)
  }
}

/** The error as it is, unless it is a violation of one of the collections' unique indexes. */
export function toUniqueConflict(collections: readonly PreparedCollection[], error: unknown): unknown {
  const index = isRillflowError(error, 'UniqueViolation') ? (error as UniqueViolationError).constraint : undefined
  if (index === undefined) return error
  for (const { name, uniqueFields } of collections) {
    const fields = uniqueFields.get(index)
    if (fields !== undefined) return new UniqueConflictError({ collection: name, fields, index, cause: error })
  }
  return error
}
