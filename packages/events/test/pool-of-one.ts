import { Pool } from 'pg'

/** A pool whose statements all run on one connection, so that what is left on it can be looked at. */
export function openPoolOfOne(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0 })
  pool.on('error', () => {})
  return pool
}
