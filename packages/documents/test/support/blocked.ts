import { setTimeout as pause } from 'node:timers/promises'
import type { TestDatabase } from '@rillflow/testing/vitest'

/** Waits until `count` connections to the database wait for a lock: the barrier of a race. */
export async function blocked(database: TestDatabase, count = 1): Promise<void> {
  for (let look = 1; look <= 12_000; look += 1) {
    const { rows } = await database.query<{ waiting: number }>(
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    if (rows[0]?.waiting === count) return
    await pause(5)
  }
  throw new Error(`${count} connections should wait for a lock by now`)
}
