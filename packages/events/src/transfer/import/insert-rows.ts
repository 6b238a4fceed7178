import { defineStatement, type Statement } from '@rillflow/core'
import { importColumns } from './encode-copy.js'
import type { PlacedRow } from './place-rows.js'

/** For clients that cannot COPY. Larger statements become slower for each event that they carry. */
export const rowsPerInsert = 1_000

const insert = defineStatement(
  'import_insert',
  (schema) => `insert into ${schema}.events (${importColumns})
  select (r.x ->> 0)::bigint, (r.x ->> 1)::bigint, r.x ->> 2, r.x ->> 3, r.x ->> 4, (r.x ->> 5)::int, r.x -> 6,
    nullif(r.x -> 7, 'null'::jsonb), (r.x ->> 8)::uuid, r.x ->> 9, r.x ->> 10, (r.x ->> 11)::timestamptz
  from jsonb_array_elements($1::jsonb) with ordinality as r (x, i) order by r.i`,
)

/** Inserts rows; their positions are drawn in their order. */
export function insertStatement(schema: string, rows: readonly PlacedRow[]): Statement {
  return insert(schema, [`[${rows.map(encode).join(',')}]`])
}

function encode({ row, streamNo, version, category, createdAt }: PlacedRow): string {
  const { streamId, type, schemaVersion, data, headers, id, causationId, correlationId } = row
  const before = [streamNo, version, streamId, category, type, schemaVersion]
  const after = [id, causationId, correlationId, createdAt]
  // The data is JSON already and is not written again.
  return `[${before.map((each) => JSON.stringify(each)).join(',')},${data},${headers},${after.map((each) => JSON.stringify(each)).join(',')}]`
}
