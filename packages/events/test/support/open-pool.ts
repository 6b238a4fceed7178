import { Pool } from 'pg'

/** A pool of the test's own that survives connections cut by the server; with a `max` of 1 all runs on one connection. */
export function openPool(url: string, max: number): Pool {
  const pool = new Pool({ connectionString: url, max, idleTimeoutMillis: 0 })
  pool.on('error', () => {})
  // The pool takes its own listener off a client that it hands out, and a cut connection reports more than one error.
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}
