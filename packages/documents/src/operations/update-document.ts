import { InvalidArgumentError, safeInteger } from '@rillflow/core'
import { quote } from '../describe-document.js'
import { lockDocument } from '../sql/get-document.js'
import { toBody, type AnyDocument } from './document-body.js'
import { parse } from './read-document.js'
import { refuseChange } from './refuse-change.js'
import { writeDocument, type WriteTarget, type WrittenDocument } from './write-document.js'

/** A change under a row lock. */
export interface Update extends WriteTarget {
  readonly id: string
  readonly expected: number | undefined
  readonly change: (doc: AnyDocument) => unknown
}

type LockRow = readonly [doc: string, version: string, deleted: boolean]

/**
 * Makes the next version of one document while nobody else can change it; must run inside a transaction.
 *
 * @throws DocumentNotFound, DocumentDeleted, VersionConflict, UniqueConflict, InvalidArgument for another id.
 */
export async function updateDocument(update: Update): Promise<WrittenDocument> {
  const { collection, executor, id, change } = update
  const held = await lockForUpdate(update)
  const body = await toBody(collection, await change(parse(held.doc)))
  if (body.id !== id) {
    throw new InvalidArgumentError(
      'change',
      `update of ${quote(id)} returned a document of another id. An id never changes: put a new document instead.`,
    )
  }
  return writeDocument({ collection, executor, operation: 'update', body, expected: held.version })
}

/** Reads one live document and keeps others from changing it until the transaction ends. */
export async function lockForUpdate(
  { collection, executor, id, expected }: Omit<Update, 'change'>,
  operation = 'update',
): Promise<{ doc: string; version: number }> {
  const { rows } = await executor.query<LockRow>(lockDocument(executor.schema, [collection.name, id]))
  const request = { operation, collection: collection.name, id, expected }
  const row = rows[0]
  if (row === undefined) return refuseChange(request, undefined)
  const [doc, text, deleted] = row
  const version = safeInteger(text, 'version')
  if (deleted || (expected !== undefined && expected !== version)) refuseChange(request, { version: text, deleted })
  return { doc, version }
}
