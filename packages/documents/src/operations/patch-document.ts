import { isDeepStrictEqual } from 'node:util'
import { safeInteger } from '@rillflow/core'
import { PatchRefusedError } from '../errors.js'
import { applyPatch } from '../patch/apply-patch.js'
import type { PatchKind, PatchOperation, PatchRefusal, RefusedOperation, Segments } from '../patch/patch-operation.js'
import { patchDocument as patchStatement, type PatchRow } from '../sql/patch-document.js'
import { toBody } from './document-body.js'
import { writeIdOf } from './executor.js'
import { knowingOutcome } from './known-outcome.js'
import { parse } from './read-document.js'
import { refuseChange } from './refuse-change.js'
import { namingUniqueConflicts } from './unique-conflict.js'
import { lockForUpdate } from './update-document.js'
import { writeDocument, type WriteTarget, type WrittenDocument } from './write-document.js'

/** The id and version of a document that was patched. */
export interface PatchedDocument extends WrittenDocument {
  /** False when the document was as the patch would have it already: no version was made. */
  readonly changed: boolean
}

interface PatchRequest extends WriteTarget {
  readonly id: string
  readonly expected: number | undefined
  readonly operations: readonly PatchOperation[]
}

/**
 * Patches one document, by one statement.
 *
 * @throws DocumentNotFound, DocumentDeleted, VersionConflict, PatchRefused, UniqueConflict, CommitOutcomeUnknown
 */
export async function patchDocument(request: PatchRequest): Promise<PatchedDocument> {
  const { collection, executor, id, expected, operations } = request
  const address = { collection: collection.name, id, expected }
  const patch = JSON.stringify(operations)
  const values = [collection.name, id, patch, expected === undefined ? null : `${expected}`, writeIdOf(executor)]
  const send = async (): Promise<PatchedDocument> => {
    const { rows } = await namingUniqueConflicts(collection, () =>
      executor.query<PatchRow>(patchStatement(executor.schema, values)),
    )
    return toPatched(address, rows[0])
  }
  return knowingOutcome(executor, { operation: 'patch', ...address }, send, (version) => ({
    id,
    version,
    changed: true,
  }))
}

/**
 * Patches one document here, under its lock, and validates the result; must run inside a transaction.
 *
 * @throws what {@link patchDocument} throws, and ValidationFailed
 */
export async function patchValidated(request: PatchRequest): Promise<PatchedDocument> {
  const { collection, executor, id, operations } = request
  const held = await lockForUpdate(request, 'patch')
  const before = parse(held.doc)
  const body = await toBody(collection, patched({ collection: collection.name, id }, before, operations))
  if (isDeepStrictEqual(body.doc, before)) return { id, version: held.version, changed: false }
  const written = await writeDocument({ collection, executor, operation: 'patch', body, expected: held.version })
  return { ...written, changed: true }
}

/** Reads what the database answered. */
export function toPatched(
  address: { readonly collection: string; readonly id: string; readonly expected: number | undefined },
  row: PatchRow | undefined,
): PatchedDocument {
  if (row === undefined) return refuseChange({ operation: 'patch', ...address }, undefined)
  const [version, deleted, fits, changed, refused] = row
  if (!fits) refuseChange({ operation: 'patch', ...address }, { version, deleted })
  if (refused !== null) throw new PatchRefusedError({ ...address, ...toRefused(refused) })
  return { id: address.id, version: safeInteger(version, 'version'), changed }
}

/**
 * What a patch makes of a document that is known.
 *
 * @throws PatchRefused
 */
export function patched<Document>(
  address: { readonly collection: string; readonly id: string },
  doc: Document,
  operations: readonly PatchOperation[],
): Document {
  const outcome = applyPatch(doc, operations)
  if ('refused' in outcome) throw new PatchRefusedError({ ...address, ...outcome.refused })
  return outcome.doc as Document
}

/** Reads a refusal as the database wrote it. */
export function toRefused(json: string): RefusedOperation {
  const [reason, kind, path, place] = JSON.parse(json) as [PatchRefusal, PatchKind, Segments, number]
  return { reason, kind, path: path.slice(0, place + 1) }
}
