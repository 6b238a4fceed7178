import pg from 'pg'

/** Connections of each contender, whatever the number of callers: what `pg.Pool` has when nothing is said. */
export const POOL_SIZE = 10

/** A pool for the contender's own use. */
export function makePool(url: string, max = POOL_SIZE): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => undefined)
  return pool
}

/** Runs one statement on a connection of its own. */
export async function runOnce<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

/** Counts the rows of a table, for a contender that cannot. */
export async function countRows(url: string, table: string): Promise<number> {
  const rows = await runOnce<{ count: string }>(url, `select count(*) from ${table}`)
  return Number(rows[0]?.count)
}
