import { setTimeout as sleep } from 'node:timers/promises'

interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** A connection as the server sees it. */
export interface Activity {
  readonly pid: number
  readonly program: string
  readonly query: string
}

/** Returns the backends of this database for which the condition on `pg_stat_activity` holds, once there are `count`. */
export async function waitForActivity(
  database: Queryable,
  condition: string,
  count = 1,
): Promise<readonly [Activity, ...Activity[]]> {
  for (let tries = 0; tries < 3_000; tries += 1) {
    const { rows } = await database.query(
      `select a.pid, a.application_name as program, a.query from pg_stat_activity a
       where a.datname = current_database() and a.pid <> pg_backend_pid() and (${condition})`,
    )
    if (rows.length >= count) return rows as [Activity, ...Activity[]]
    await sleep(20)
  }
  throw new Error(`no ${count} backends came to: ${condition}`)
}

/** Ends a backend, and returns when it is gone. */
export async function terminate(database: Queryable, pid: number): Promise<void> {
  await database.query('select pg_terminate_backend($1)', [pid])
  for (let tries = 0; tries < 3_000; tries += 1) {
    const { rows } = await database.query('select from pg_stat_activity where pid = $1', [pid])
    if (rows.length === 0) return
    await sleep(20)
  }
  throw new Error(`the backend ${pid} did not end`)
}
