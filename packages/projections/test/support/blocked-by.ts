import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'

const CHECKS = 2_000

/** Waits until so many server processes wait for a lock that the client's process holds. */
export async function untilBlockedBy(pool: Pool, client: PoolClient, count = 1): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  for (let check = 0; check < CHECKS; check += 1) {
    const { rowCount } = await pool.query(
      'select 1 from pg_stat_activity where datname = current_database() and $1 = any(pg_blocking_pids(pid))',
      [rows[0]?.pid],
    )
    if (rowCount === count) return
    await pause(5)
  }
  throw new Error(`After ${CHECKS} checks there are still not ${count} processes that wait.`)
}
