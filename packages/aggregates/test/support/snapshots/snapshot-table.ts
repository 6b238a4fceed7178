import type { Pool } from 'pg'

/** A row of the table of snapshots. */
export interface StoredSnapshot {
  readonly aggregate: string
  readonly id: string
  readonly schemaVersion: number
  readonly version: number
  readonly state: unknown
}

/** A snapshot that a test puts there itself. */
export interface PutSnapshot extends StoredSnapshot {
  /** It is of another stream of the same id, which was lost. */
  readonly lost?: boolean | undefined
}

/** The snapshots of a stream, or of all streams, in the order of aggregates and streams. */
export async function snapshotsOf(pool: Pool, schema: string, id?: string): Promise<readonly StoredSnapshot[]> {
  const { rows } = await pool.query<StoredSnapshot>(
    `select aggregate, stream_id as id, schema_version as "schemaVersion", version::int as version, state
      from "${schema}".snapshots where $1::text is null or stream_id = $1 order by 1, 2`,
    [id ?? null],
  )
  return rows
}

/** The versions of a stream's snapshots: one, or none, for each aggregate. */
export async function snapshotVersions(pool: Pool, schema: string, id: string): Promise<readonly number[]> {
  return (await snapshotsOf(pool, schema, id)).map((row) => row.version)
}

/**
 * Puts a snapshot into the table, or in the place of the one that is there, by SQL alone. It ends with the event that the
 * stream has at its version; with one that the stream does not have where there is none, or where `lost` says so.
 */
export async function putSnapshot(pool: Pool, schema: string, row: PutSnapshot): Promise<void> {
  await pool.query(
    `insert into "${schema}".snapshots as s (aggregate, stream_id, schema_version, version, event_id, state)
      values ($1, $2, $3, $4,
        coalesce((select e.event_id from "${schema}".events e where e.stream_id = $2 and e.version = $4 and not $6),
          gen_random_uuid()), $5::jsonb)
      on conflict (aggregate, stream_id) do update set schema_version = excluded.schema_version,
        version = excluded.version, event_id = excluded.event_id, state = excluded.state`,
    [row.aggregate, row.id, row.schemaVersion, row.version, JSON.stringify(row.state), row.lost ?? false],
  )
}
