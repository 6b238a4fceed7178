import { defineStatement } from '@rillflow/core'

/**
 * Removes a row: `[collection, id, version or null, also a live one]`, answered by a `ChangeRow`; see `defineChange`.
 */
export const purgeDocument = defineStatement(
  'purge',
  (schema) => `with gone as (
  delete from ${schema}.docs
  where collection = $1::text and id = $2::text
    and (deleted_at is not null or $4::boolean) and ($3::bigint is null or version = $3::bigint)
  returning version
)
select version::text as version, true as changed, false as deleted from gone
union all
select version::text, false, deleted from (
  select version, deleted_at is not null as deleted from ${schema}.docs
  where collection = $1::text and id = $2::text
  for no key update
) as found
where not exists (select from gone)`,
)
