import { defineStatement } from '@rillflow/core'

/**
 * Inserts a document that must not exist, or tells the one that does: `[collection, id, doc, write id]`, answered by a `ChangeRow`.
 *
 * No row at all means that the insert met a document which was committed after the statement began: the same statement's
 * read cannot see it, a second run can.
 */
export const insertDocument = defineStatement(
  'insert',
  (schema) => `with made as (
  insert into ${schema}.docs (collection, id, doc, version, created_at, updated_at, write_id)
  select $1::text, $2::text, $3::jsonb, 1, now, now, $4::bigint from clock_timestamp() as now
  on conflict (collection, id) do nothing
  returning version
)
select version::text as version, true as changed, false as deleted from made
union all
select version::text, false, deleted_at is not null from ${schema}.docs
where collection = $1::text and id = $2::text and not exists (select from made)`,
)
