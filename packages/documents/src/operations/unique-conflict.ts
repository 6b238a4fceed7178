import { isRillflowError, type UniqueViolationError } from '@rillflow/core'
import { UniqueConflictError } from '../errors.js'
import type { PreparedCollection } from './prepared-collection.js'

/** Runs `write`, and turns a violation of one of the collection's unique indexes into `UniqueConflict`. */
export async function namingUniqueConflicts<Result>(
  collection: PreparedCollection,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    const constraint = isRillflowError(error, 'UniqueViolation')
      ? (error as UniqueViolationError).constraint
      : undefined
    const fields = constraint === undefined ? undefined : collection.uniqueFields.get(constraint)
    if (fields === undefined) throw error
    throw new UniqueConflictError({ collection: collection.name, fields, cause: error })
  }
}
