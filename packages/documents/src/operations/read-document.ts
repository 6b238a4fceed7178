import { safeInteger } from '@rillflow/core'
import { getDocument, getStoredDocument, type StoredRow } from '../sql/get-document.js'
import type { FindQuery } from '../sql/find-documents.js'
import type { StoredDocument } from '../stored-document.js'
import type { AnyDocument } from './document-body.js'
import type { WriteTarget } from './write-document.js'

/** The document, unless it is missing or deleted. */
export async function readDocument(
  { collection, executor }: WriteTarget,
  id: string,
): Promise<AnyDocument | undefined> {
  const { rows } = await executor.query<readonly [string]>(getDocument(executor.schema, [collection.name, id]))
  return rows[0] === undefined ? undefined : parse(rows[0][0])
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
    doc: parse(doc),
  }
}

/** The documents whose fields equal the filter, by id. */
export async function findDocuments({ collection, executor }: WriteTarget, query: FindQuery): Promise<AnyDocument[]> {
  const { rows } = await executor.query<readonly [string]>(collection.find(executor.schema, query))
  return rows.map(([doc]) => parse(doc))
}

/** What is in the column went through the schema and the codec when it was written. */
export function parse(doc: string): AnyDocument {
  return JSON.parse(doc) as AnyDocument
}

function fromMicros(text: string): Date {
  return new Date(Math.floor(Number(text) / 1000))
}
