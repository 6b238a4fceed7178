import type { Pool } from 'pg'
import { until } from './until.js'

/** Waits until so many server processes of this database wait for a lock. */
export async function untilBlocked(pool: Pool, count = 1): Promise<void> {
  await until(async () => {
    const { rowCount } = await pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
    )
    return (rowCount ?? 0) >= count
  })
}
