import { safeInteger } from '@rillflow/core'
import { DocumentNotDeletedError, DocumentNotFoundError } from '../errors.js'
import type { ChangeRow } from '../sql/change-document.js'
import { deleteDocument } from '../sql/delete-document.js'
import { purgeDocument } from '../sql/purge-document.js'
import { restoreDocument } from '../sql/restore-document.js'
import { writeIdOf } from './executor.js'
import { knowingOutcome } from './known-outcome.js'
import { refuseChange, versionConflict, type ChangeRequest } from './refuse-change.js'
import { namingUniqueConflicts } from './unique-conflict.js'
import type { WriteTarget, WrittenDocument } from './write-document.js'

interface Change extends WriteTarget {
  readonly id: string
  readonly expected: number | undefined
}

/**
 * Marks one document as deleted.
 *
 * @throws DocumentNotFound, DocumentDeleted, VersionConflict, CommitOutcomeUnknown
 */
export async function removeDocument(change: Change): Promise<WrittenDocument> {
  const request = toRequest('delete', change)
  return knowing(change, request, async () => {
    const row = await send(change, deleteDocument)
    if (row?.[1] !== true) refuseChange(request, toFound(row))
    return { id: change.id, version: safeInteger(row[0], 'version') }
  })
}

/**
 * Brings one deleted document back; one that is not deleted is left as it is.
 *
 * @throws DocumentNotFound, VersionConflict, UniqueConflict, CommitOutcomeUnknown
 */
export async function bringBackDocument(change: Change): Promise<WrittenDocument> {
  const request = toRequest('restore', change)
  return knowing(change, request, async () => {
    const row = await namingUniqueConflicts(change.collection, () => send(change, restoreDocument))
    if (row === undefined) refuseChange(request, undefined)
    const version = safeInteger(row[0], 'version')
    const isWanted = row[1] || (!row[2] && (change.expected === undefined || change.expected === version))
    if (!isWanted) throw versionConflict(request, version)
    return { id: change.id, version }
  })
}

/**
 * Removes one document for good; a live one with `force` only.
 *
 * @throws DocumentNotFound, DocumentNotDeleted, VersionConflict, CommitOutcomeUnknown
 */
export async function purgeOne(change: Change & { readonly force: boolean }): Promise<WrittenDocument> {
  const { collection, executor, id, expected, force } = change
  const values = [collection.name, id, expected === undefined ? null : `${expected}`, force ? 'true' : 'false']
  const request = toRequest('purge', change)
  return knowing(change, request, async () => {
    const row = (await executor.query<ChangeRow>(purgeDocument(executor.schema, values))).rows[0]
    if (row === undefined) throw new DocumentNotFoundError('purge', request)
    const version = safeInteger(row[0], 'version')
    if (row[1]) return { id, version }
    if (!row[2] && !force) throw new DocumentNotDeletedError(request)
    throw versionConflict(request, version)
  })
}

function knowing(
  { executor, id }: Change,
  request: ChangeRequest,
  run: () => Promise<WrittenDocument>,
): Promise<WrittenDocument> {
  return knowingOutcome(executor, request, run, (version) => ({ id, version }))
}

async function send(change: Change, statement: typeof deleteDocument): Promise<ChangeRow | undefined> {
  const { collection, executor, id, expected } = change
  const values = [collection.name, id, writeIdOf(executor), expected === undefined ? null : `${expected}`]
  return (await executor.query<ChangeRow>(statement(executor.schema, values))).rows[0]
}

function toFound(row: ChangeRow | undefined): { version: string; deleted: boolean } | undefined {
  return row === undefined ? undefined : { version: row[0], deleted: row[2] }
}

function toRequest(operation: string, { collection, id, expected }: Change): ChangeRequest {
  return { operation, collection: collection.name, id, expected }
}
