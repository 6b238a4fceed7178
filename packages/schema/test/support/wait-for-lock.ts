import { setTimeout as sleep } from 'node:timers/promises'

interface Queryable {
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>
}

/** Returns once `count` backends of this database wait for a lock of that type. */
export async function waitForWaiters(database: Queryable, type: 'advisory' | 'relation', count: number): Promise<void> {
  for (let tries = 0; tries < 3_000; tries += 1) {
    const { rows } = await database.query(
      `select 1 from pg_locks l join pg_database d on d.oid = l.database
       where not l.granted and l.locktype = '${type}' and d.datname = current_database()`,
    )
    if (rows.length >= count) return
    await sleep(20)
  }
  throw new Error(`no ${count} backends came to wait for a lock of type ${type}`)
}
