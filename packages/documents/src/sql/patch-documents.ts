import { defineStatement } from '@rillflow/core'
import { lockRows } from './write-documents.js'

/**
 * Patches many documents: `[items, write id]`, the items JSON of `[collection, id, expected version or null, operations]`; a
 * `BatchRow` each.
 */
export const patchDocuments = defineStatement(
  'patch_many',
  (schema) => `with input as materialized (
  select place::int as place, item ->> 0 as collection, item ->> 1 as id, (item ->> 2)::bigint as expected,
    item -> 3 as operations
  from jsonb_array_elements($1::jsonb) with ordinality as given (item, place)
), ${lockRows(schema, 'input.place, input.expected, input.operations, stored.doc')}, patch as materialized (
  select found.place, found.collection, found.id, outcome.patched, outcome.refused,
    outcome.patched <> found.doc as differs
  from found, ${schema}.patch_document(found.doc, found.operations) as outcome
  where not found.deleted and (found.expected is null or found.version = found.expected)
), changed as (
  update ${schema}.docs as stored
  set doc = patch.patched, version = stored.version + 1, updated_at = clock_timestamp(), write_id = $2::bigint
  from patch
  where stored.collection = patch.collection and stored.id = patch.id and patch.differs
  returning patch.place, stored.version
)
select input.place as place,
  case
    when changed.place is not null then 'written'
    when patch.refused is not null then 'refused'
    when patch.place is not null then 'unchanged'
    when found.deleted then 'deleted'
    when found.place is not null then 'conflict'
    else 'missing'
  end as status,
  coalesce(changed.version, found.version)::text as version,
  patch.refused::text as refused
from input
left join found on found.place = input.place
left join patch on patch.place = input.place
left join changed on changed.place = input.place`,
)
