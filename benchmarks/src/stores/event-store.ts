import pg from 'pg'
import type { OrderEvent } from './order-events.js'

/** An event store under test: the least that each of them can do. */
export interface EventStore {
  /** Appends to a stream that must stand at `version` (0: must not exist), and returns when that is durable. */
  append(stream: string, version: number, events: readonly OrderEvent[]): Promise<unknown>
  /** Reads a whole stream, decoded; returns how many events it has. */
  load(stream: string): Promise<number>
  /** How many events are stored, counted in the database. */
  count(): Promise<number>
  close(): Promise<void>
}

/** Opens a store on an empty database, tables made. */
export type OpenEventStore = (url: string) => Promise<EventStore>

/** Connections of each contender, whatever the number of callers: what `pg.Pool` has when nothing is said. */
export const POOL_SIZE = 10

/** A pool for the contender's own use. */
export function makePool(url: string, max = POOL_SIZE): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => undefined)
  return pool
}

/** Counts the rows of a table, for a contender that cannot. */
export async function countRows(url: string, table: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ count: string }>(`select count(*) from ${table}`)
    return Number(rows[0]?.count)
  } finally {
    await client.end()
  }
}
