import { safeInteger, validate } from '@rillflow/core'
import { describeDocument } from '../describe-document.js'
import { getDocument, getField, getStoredDocument, type StoredRow } from '../sql/get-document.js'
import { fromMicros, type StoredDocument } from '../stored-document.js'
import type { AnyDocument } from './document-body.js'
import type { PreparedCollection } from './prepared-collection.js'
import type { WriteTarget } from './write-document.js'

/** The document, unless it is missing or deleted. */
export async function readDocument({ collection, executor }: WriteTarget, id: string): Promise<string | undefined> {
  const { rows } = await executor.query<readonly [string]>(getDocument(executor.schema, [collection.name, id]))
  return rows[0]?.[0]
}

/** One field of a live document; undefined when there is none. */
export async function readField({ collection, executor }: WriteTarget, id: string, path: string): Promise<unknown> {
  const { rows } = await executor.query<readonly [string | null]>(
    getField(executor.schema, [collection.name, id, path]),
  )
  const json = rows[0]?.[0] ?? null
  return json === null ? undefined : (JSON.parse(json) as unknown)
}

/** The document with its version and times, also when it is deleted. */
export async function readStoredDocument(
  { collection, executor }: WriteTarget,
  id: string,
): Promise<StoredDocument<AnyDocument> | undefined> {
  const { rows } = await executor.query<StoredRow>(getStoredDocument(executor.schema, [collection.name, id]))
  const row = rows[0]
  if (row === undefined) return undefined
  const [doc, version, createdAt, updatedAt, deletedAt] = row
  return {
    id,
    version: safeInteger(version, 'version'),
    createdAt: fromMicros(createdAt),
    updatedAt: fromMicros(updatedAt),
    deletedAt: deletedAt === null ? undefined : fromMicros(deletedAt),
    doc: await parseRead(collection, doc),
  }
}

/** What is in the column went through the schema and the codec when it was written. */
export function parse(doc: string): AnyDocument {
  return JSON.parse(doc) as AnyDocument
}

/**
 * A document as it is given to the caller: through the schema once more where the collection asks for it.
 *
 * @throws ValidationFailed
 */
export function parseRead(collection: PreparedCollection, json: string): AnyDocument | Promise<AnyDocument> {
  const doc = parse(json)
  if (!collection.validateReads) return doc
  return validate(collection.schema, doc, `stored ${describeDocument(collection.name, doc.id)}`)
}
