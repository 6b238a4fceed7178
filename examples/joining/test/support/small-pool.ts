import pg from 'pg'

/**
 * A pool of one connection, so that whoever keeps it, or takes a second, stops the test. Its parsers are those that
 * programs like to set; Rillflow must not notice.
 */
export function smallPool(url: string): { readonly pool: pg.Pool; readonly close: () => Promise<void> } {
  const pool = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 2_000, types: ownParsers() })
  const ends: Promise<void>[] = []
  pool.on('connect', (client) => {
    ends.push(new Promise((resolve) => void client.once('end', () => resolve())))
  })
  const close = async (): Promise<void> => {
    if (!pool.ended) await pool.end()
    // The database is dropped next, and sockets that still close would make that fail.
    await Promise.all(ends)
  }
  return { pool, close }
}

function ownParsers(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides()
  types.setTypeParser(20, BigInt)
  types.setTypeParser(1184, (text) => ({ timestamp: text }))
  types.setTypeParser(1700, Number)
  types.setTypeParser(3802, (text) => ({ parsed: JSON.parse(text) as unknown }))
  return types
}
