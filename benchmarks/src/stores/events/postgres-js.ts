import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import type { EventStore } from './event-store.js'
import { countRows, POOL_SIZE } from '../pool.js'
import { PLAIN_APPEND, PLAIN_LOAD, PLAIN_TABLES, plainEvents } from './plain-tables.js'

/** What is used of `postgres`. */
interface PostgresJs {
  default(url: string, options: { readonly max: number; readonly onnotice: () => void }): Sql
}

interface Sql {
  unsafe(
    text: string,
    values?: readonly unknown[],
    options?: { readonly prepare: boolean },
  ): Promise<readonly unknown[]>
  end(): Promise<void>
}

/** postgres.js: the plain contender's statements, prepared and pipelined as that driver does. */
export async function postgresJs(url: string): Promise<EventStore> {
  const driver = await loadPeer<PostgresJs>(peers.postgresJs, 'postgres')
  const sql = driver.default(url, { max: POOL_SIZE, onnotice: () => undefined })
  await sql.unsafe(PLAIN_TABLES)
  return {
    append: async (stream, version, events) => {
      const rows = await sql.unsafe(PLAIN_APPEND, [stream, version, plainEvents(events)], { prepare: true })
      if (rows.length !== 1) throw new Error(`Stream ${stream} does not stand at version ${version}.`)
    },
    load: async (stream) => (await sql.unsafe(PLAIN_LOAD, [stream], { prepare: true })).length,
    count: () => countRows(url, 'plain.events'),
    close: () => sql.end(),
  }
}
