import { defineStatement } from '@rillflow/core'
import { lockRows } from './write-documents.js'

/** Marks many documents as deleted: `[items, write id]`, the items JSON of `[collection, id, expected version or null]`. */
export const deleteDocuments = defineStatement(
  'delete_many',
  (schema) => `with input as materialized (
  select place::int as place, item ->> 0 as collection, item ->> 1 as id, (item ->> 2)::bigint as expected
  from jsonb_array_elements($1::jsonb) with ordinality as given (item, place)
), ${lockRows(schema, 'input.place')}, changed as (
  update ${schema}.docs as stored
  set deleted_at = clock_timestamp(), version = stored.version + 1, updated_at = clock_timestamp(), write_id = $2::bigint
  from input join found on found.place = input.place
  where stored.collection = input.collection and stored.id = input.id and not found.deleted
    and (input.expected is null or input.expected = found.version)
  returning input.place, stored.version
)
select input.place as place,
  case
    when changed.place is not null then 'written'
    when found.deleted then 'deleted'
    when found.place is not null then 'conflict'
    else 'missing'
  end as status,
  coalesce(changed.version, found.version)::text as version,
  null::text as refused
from input
left join found on found.place = input.place
left join changed on changed.place = input.place`,
)
