import type { ClientBase, Pool } from 'pg'

/** A floor that some transaction holds. */
export interface FloorLock {
  /** The low 40 bits of the sequence's last value when it was taken. */
  readonly floor: number
  /** Undefined for a prepared transaction. */
  readonly pid: number | undefined
}

/** The floors that are held on the events of a schema, read from the server's own list of locks. */
export async function floorLocks(pool: Pool | ClientBase, schema: string): Promise<readonly FloorLock[]> {
  const { rows } = await pool.query<{ floor: string; pid: number | null }>(
    `select (((l.classid::bigint & 255) << 32) | l.objid::bigint)::text as floor, l.pid
      from pg_locks l
      where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and l.classid::bigint >> 8 = $1::regclass::oid::bigint & 16777215
      order by 1`,
    [`"${schema}".events_position_seq`],
  )
  return rows.map(({ floor, pid }) => ({ floor: Number(floor), pid: pid ?? undefined }))
}
