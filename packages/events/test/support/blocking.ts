import { setTimeout as pause } from 'node:timers/promises'
import type { ClientBase, Pool, PoolClient } from 'pg'

const CHECKS = 12_000
const PAUSE_MS = 5

/** The server process behind a connection. */
export async function backendOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid ?? 0
}

/** Runs `work` with a connection inside a transaction, which the end rolls back if it is open still. */
export async function inTransaction(pool: Pool, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Waits until so many server processes wait for a lock that `holder` has. */
export async function untilBlockedBy(pool: Pool, holder: number, count = 1): Promise<void> {
  for (let check = 0; check < CHECKS; check += 1) {
    if ((await countBlockedBy(pool, holder)) === count) return
    await pause(PAUSE_MS)
  }
  throw new Error(`After ${CHECKS} checks there are still not ${count} processes that wait for ${holder}.`)
}

/** Tells which comes first: `work` waits for a lock that `holder` has, or it ends. */
export async function waitsFor(pool: Pool, holder: number, work: Promise<unknown>): Promise<boolean> {
  let ended = false
  const end = (): void => void (ended = true)
  work.then(end, end)
  for (let check = 0; check < CHECKS; check += 1) {
    if ((await countBlockedBy(pool, holder)) > 0) return true
    if (ended) return false
    await pause(PAUSE_MS)
  }
  throw new Error(`After ${CHECKS} checks the work neither waits for ${holder} nor has it ended.`)
}

async function countBlockedBy(pool: Pool, holder: number): Promise<number> {
  const { rowCount } = await pool.query(
    'select 1 from pg_stat_activity where datname = current_database() and $1 = any(pg_blocking_pids(pid))',
    [holder],
  )
  return rowCount ?? 0
}
