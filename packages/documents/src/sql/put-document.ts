import { defineStatement } from '@rillflow/core'

/** The new version; no row at all when the document is deleted. */
export type PutRow = readonly [version: string]

/** Inserts or replaces, whatever the version: `[collection, id, doc, write id]`. A deleted document is left as it is. */
export const putDocument = defineStatement(
  'put',
  (schema) => `insert into ${schema}.docs as stored (collection, id, doc, version, created_at, updated_at, write_id)
select $1::text, $2::text, $3::jsonb, 1, now, now, $4::bigint from clock_timestamp() as now
on conflict (collection, id) do update
set doc = excluded.doc, version = stored.version + 1, updated_at = clock_timestamp(), write_id = excluded.write_id
where stored.deleted_at is null
returning stored.version::text as version`,
)
