import { defineStatement } from '@rillflow/core'

/** What became of one item of a batch: its place from 1, a word, the version that the row has now, and a refusal. */
export type BatchRow = readonly [
  place: number,
  status: 'written' | 'unchanged' | 'conflict' | 'deleted' | 'missing' | 'raced' | 'refused',
  version: string | null,
  refused: string | null,
]

/** Locks the rows of a batch, in the order that every batch takes them in: two that did not would deadlock. */
export function lockRows(schema: string, columns: string): string {
  return `found as materialized (
  select ${columns}, stored.collection, stored.id, stored.version, stored.deleted_at is not null as deleted
  from input join ${schema}.docs as stored on stored.collection = input.collection and stored.id = input.id
  order by stored.collection, stored.id
  for no key update of stored
)`
}

/**
 * Puts many documents: `[items, write id]`, the items JSON of `[collection, document, expected version or null]`; a
 * document stands in it once.
 *
 * `raced`: the insert met a document that was committed after the statement began, which a second run can see.
 */
export const writeDocuments = defineStatement(
  'put_many',
  (schema) => `with input as materialized (
  select place::int as place, item ->> 0 as collection, item -> 1 ->> 'id' as id, item -> 1 as doc,
    (item ->> 2)::bigint as expected
  from jsonb_array_elements($1::jsonb) with ordinality as given (item, place)
), ${lockRows(schema, 'input.place')}, changed as (
  update ${schema}.docs as stored
  set doc = input.doc, version = stored.version + 1, updated_at = clock_timestamp(), write_id = $2::bigint
  from input join found on found.place = input.place
  where stored.collection = input.collection and stored.id = input.id and not found.deleted
    and (input.expected is null or input.expected = found.version)
  returning input.place, stored.version
), made as (
  insert into ${schema}.docs (collection, id, doc, version, created_at, updated_at, write_id)
  select input.collection, input.id, input.doc, 1, clock.now, clock.now, $2::bigint
  from input, (select clock_timestamp() as now) as clock
  where coalesce(input.expected, 0) = 0 and not exists (select from found where found.place = input.place)
  order by input.collection, input.id
  on conflict (collection, id) do nothing
  returning collection, id
)
select input.place as place,
  case
    when changed.place is not null or made.id is not null then 'written'
    when found.deleted then 'deleted'
    when found.place is not null then 'conflict'
    when input.expected > 0 then 'missing'
    else 'raced'
  end as status,
  case when made.id is not null then '1' else coalesce(changed.version, found.version)::text end as version,
  null::text as refused
from input
left join found on found.place = input.place
left join changed on changed.place = input.place
left join made on made.collection = input.collection and made.id = input.id`,
)
