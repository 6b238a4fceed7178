import type pg from 'pg'
import { deposit } from './accounts.js'
import { newWatchedStore, otherStore } from './watched-store.js'

/** A session on a store whose rival is on the same schema; the account `a` has ten events. */
export async function newSession(database: pg.Pool) {
  const made = await newWatchedStore(database)
  await deposit(made.store, 'a', 10)
  made.pool.take()
  const { schema } = made
  const snapshots = async (): Promise<readonly object[]> =>
    (await database.query(`select stream_id as id, version::int from "${schema}".snapshots order by 1`)).rows
  const versionOf = async (id: string): Promise<number> => (await made.store.events.streamInfo(id))?.version ?? 0
  return { ...made, session: made.store.session(), rival: otherStore(database, schema), snapshots, versionOf }
}
