import type { Pool } from 'pg'
import type { RecordedEvent, Stored } from './history.js'

type EventRow = Omit<RecordedEvent, 'position' | 'version'> & { readonly position: string; readonly version: string }

/** Reads all that a schema holds, from its tables and not by the library that is under test. */
export async function readStored(pool: Pool, schema: string): Promise<Stored> {
  const events = await pool.query<EventRow>(
    `select position, stream_id as "streamId", version, event_id as id, type from ${schema}.events order by position`,
  )
  const streams = await pool.query<{ id: string; version: string }>(
    `select stream_id as id, version from ${schema}.streams`,
  )
  const documents = await pool.query<{ id: string }>(`select id from ${schema}.docs where deleted_at is null`)
  return {
    events: events.rows.map((row) => ({ ...row, position: Number(row.position), version: Number(row.version) })),
    streams: new Map(streams.rows.map(({ id, version }) => [id, Number(version)])),
    documents: documents.rows.map(({ id }) => id),
  }
}
