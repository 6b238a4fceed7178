import { defineStatement } from '@rillflow/core'

/** A document as it is now: its version, null when there is none, and whether it was written last under the mark given. */
export type WrittenRow = readonly [place: number, version: string | null, isOurs: boolean]

/** What became of writes whose answer never came: `[items, write id]`, the items JSON of `[collection, id]`. */
export const findWritten = defineStatement(
  'find_written',
  (schema) => `select given.place::int as place, stored.version::text as version,
  coalesce(stored.write_id = $2::bigint, false) as is_ours
from jsonb_array_elements($1::jsonb) with ordinality as given (item, place)
left join ${schema}.docs as stored on stored.collection = item ->> 0 and stored.id = item ->> 1
order by given.place`,
)
