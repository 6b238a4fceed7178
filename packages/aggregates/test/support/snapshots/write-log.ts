import type { Pool } from 'pg'
import { onSnapshots } from './snapshot-trigger.js'

/** A write that reached the table of snapshots. */
export interface LoggedWrite {
  readonly id: string
  readonly schemaVersion: number
  readonly version: number
}

/** What was written for a stream, or for all of them, in order. */
export type WriteLog = (id?: string) => Promise<readonly LoggedWrite[]>

/** From now on every row that is written to the snapshots of a schema is kept, in order. Refused ones are no writes. */
export async function logWrites(pool: Pool, schema: string): Promise<WriteLog> {
  await pool.query(
    `create table "${schema}".snapshot_writes
      (n bigint generated always as identity, id text, schema_version int, version int)`,
  )
  await onSnapshots(pool, schema, {
    name: 'log_write',
    when: 'after insert or update',
    body: `insert into "${schema}".snapshot_writes (id, schema_version, version)
      values (new.stream_id, new.schema_version, new.version);`,
  })
  return async (id) => {
    const { rows } = await pool.query<LoggedWrite>(
      `select id, schema_version as "schemaVersion", version from "${schema}".snapshot_writes
        where $1::text is null or id = $1 order by n`,
      [id ?? null],
    )
    return rows
  }
}
