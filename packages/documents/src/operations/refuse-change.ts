import { safeInteger, VersionConflictError } from '@rillflow/core'
import { DocumentDeletedError, DocumentNotFoundError } from '../errors.js'

/** What a change was asked to do, and to what. */
export interface ChangeRequest {
  readonly operation: string
  readonly collection: string
  readonly id: string
  readonly expected: number | undefined
}

/** What was found instead of what the change needed; undefined when the document does not exist. */
export interface FoundState {
  readonly version: string
  readonly deleted: boolean
}

/**
 * Tells why a change was not made: missing, then deleted, then another version.
 *
 * @throws DocumentNotFound, DocumentDeleted, VersionConflict
 */
export function refuseChange(request: ChangeRequest, found: FoundState | undefined): never {
  if (found === undefined) throw new DocumentNotFoundError(request.operation, request)
  if (found.deleted) throw new DocumentDeletedError(request.operation, request)
  throw versionConflict(request, safeInteger(found.version, 'version'))
}

/** The error of a document at another version than was expected; `actual` is 0 when it does not exist. */
export function versionConflict(request: ChangeRequest, actual: number): VersionConflictError {
  const { collection, id, expected } = request
  return new VersionConflictError({ subject: 'document', collection, id, expected: expected ?? 0, actual })
}
