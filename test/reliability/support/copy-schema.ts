import type { Pool } from 'pg'

const tables = ['streams', 'events', 'idempotency_keys', 'docs', 'stream_aliases'] as const
const sequences = ['events_position_seq', 'streams_stream_no_seq'] as const

/**
 * Brings the rows of a schema into the same tables of another server, as a logical dump and restore does: in whatever
 * order, with their positions, and with the sequences unless they are forgotten.
 */
export async function copySchema(
  from: Pool,
  to: Pool,
  { schema, withSequences }: { readonly schema: string; readonly withSequences: boolean },
): Promise<void> {
  for (const table of tables) {
    const { rows } = await from.query<{ all: string | null }>(
      `select json_agg(t order by md5(t::text))::text as all from ${schema}.${table} t`,
    )
    await to.query(
      `insert into ${schema}.${table} overriding system value
        select * from json_populate_recordset(null::${schema}.${table}, $1)`,
      [rows[0]?.all ?? '[]'],
    )
  }
  if (!withSequences) return
  for (const sequence of sequences) {
    const { rows } = await from.query<{ last: string; called: boolean }>(
      `select last_value as last, is_called as called from ${schema}.${sequence}`,
    )
    await to.query('select setval($1::regclass, $2, $3)', [`${schema}.${sequence}`, rows[0]?.last, rows[0]?.called])
  }
}
