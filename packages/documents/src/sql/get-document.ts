import { defineStatement, jsonText } from '@rillflow/core'
import { micros } from './micros.js'

/** The body of a live document: `[collection, id]`. */
export const getDocument = defineStatement(
  'get',
  (schema) =>
    `select ${jsonText('doc')} as doc from ${schema}.docs where collection = $1::text and id = $2::text and deleted_at is null`,
)

/** One field of a live document: `[collection, id, path]`. */
export const getField = defineStatement(
  'get field',
  (schema) =>
    `select (doc #> $3::text[])::text as field from ${schema}.docs
where collection = $1::text and id = $2::text and deleted_at is null`,
)

/** Those of several documents that are live: `[collection, ids]`. */
export const getDocuments = defineStatement(
  'get many',
  (schema) =>
    `select id, ${jsonText('doc')} as doc from ${schema}.docs
where collection = $1::text and id = any($2::text[]) and deleted_at is null`,
)

/** Those of several documents that are live, with their versions: `[collection, ids]`. */
export const getVersions = defineStatement(
  'load many',
  (schema) =>
    `select id, ${jsonText('doc')} as doc, version::text as version from ${schema}.docs
where collection = $1::text and id = any($2::text[]) and deleted_at is null`,
)

/** A document as it is stored; the times are microseconds since 1970. */
export type StoredRow = readonly [
  doc: string,
  version: string,
  createdAt: string,
  updatedAt: string,
  deletedAt: string | null,
]

/** A document and what is known about it, also when it is deleted: `[collection, id]`. */
export const getStoredDocument = defineStatement(
  'get stored',
  (schema) => `select ${jsonText('doc')} as doc, version::text as version,
${micros('created_at')}, ${micros('updated_at')}, ${micros('deleted_at')}
from ${schema}.docs where collection = $1::text and id = $2::text`,
)

/** A document held until the transaction ends, so that its next version can be made of it: `[collection, id]`. */
export const lockDocument = defineStatement(
  'update',
  (schema) => `select ${jsonText('doc')} as doc, version::text as version, deleted_at is not null as deleted
from ${schema}.docs where collection = $1::text and id = $2::text for no key update`,
)
