import { setTimeout as pause } from 'node:timers/promises'
import type { Pool } from 'pg'

const checks = 6_000

/** Waits until `check` holds, for a minute at the least. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < checks; turn += 1) {
    if (await check()) return
    await pause(10)
  }
  throw new Error('it never came to be')
}

/** Waits until so many server processes of this database wait for a lock. */
export async function untilBlocked(pool: Pool, count = 1): Promise<void> {
  await until(async () => {
    const { rowCount } = await pool.query(
      'select 1 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0',
    )
    return (rowCount ?? 0) >= count
  })
}
