import { defineStatement } from '@rillflow/core'

/** The body of a live document: `[collection, id]`. */
export const getDocument = defineStatement(
  'get',
  (schema) =>
    `select doc::text as doc from ${schema}.docs where collection = $1::text and id = $2::text and deleted_at is null`,
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
  (schema) => `select doc::text as doc, version::text as version,
${micros('created_at')}, ${micros('updated_at')}, ${micros('deleted_at')}
from ${schema}.docs where collection = $1::text and id = $2::text`,
)

/** A document held until the transaction ends, so that its next version can be made of it: `[collection, id]`. */
export const lockDocument = defineStatement(
  'update',
  (schema) => `select doc::text as doc, version::text as version, deleted_at is not null as deleted
from ${schema}.docs where collection = $1::text and id = $2::text for no key update`,
)

/** As text, because a timestamp's own text depends on the settings of the connection. */
function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint::text as ${column}`
}
