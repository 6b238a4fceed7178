import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'pg'

const CHECKS = 12_000
const PAUSE_MS = 5

/** The server processes that wait for a lock of `holder`, as soon as there are `count` of them. */
export async function blockedBy(pool: Pool, holder: number, count = 1): Promise<readonly number[]> {
  for (let check = 0; check < CHECKS; check += 1) {
    const { rows } = await pool.query<{ pid: number }>(
      'select pid from pg_stat_activity where datname = current_database() and $1 = any(pg_blocking_pids(pid)) order by pid',
      [holder],
    )
    if (rows.length === count) return rows.map(({ pid }) => pid)
    await pause(PAUSE_MS)
  }
  throw new Error(`After ${CHECKS} checks there are still not ${count} processes that wait for ${holder}.`)
}
