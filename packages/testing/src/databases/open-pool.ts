import { Pool } from 'pg'

const END_PATIENCE_MS = 5_000

/** Opens a pool that survives connections cut by the server. */
export function openPool(url: string, max: number): Pool {
  const pool = new Pool({ connectionString: url, max })
  pool.on('error', () => {})
  // The pool takes its own listener off a client that it hands out or lets go; without one, a cut connection throws.
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}

/** Ends a pool; one whose client a test has never released is given up after a while, so that the file can end. */
export async function endPool(pool: Pool): Promise<void> {
  if (pool.ending) return
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_PATIENCE_MS)
  })
  await Promise.race([pool.end(), patience])
  clearTimeout(timer)
}
