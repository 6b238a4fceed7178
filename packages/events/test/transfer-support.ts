import type { PoolLike } from '@rillflow/core'
import type { Pool } from 'pg'
import type { TestStore } from './events-database.js'

/** So many events with the data `{ n: 1 }`, `{ n: 2 }` …, over the streams by turns. */
export function numbered(
  count: number,
  streams: readonly string[],
): { streamId: string; type: 'Added'; data: { n: number } }[] {
  return Array.from({ length: count }, (_, index) => ({
    streamId: streams[index % streams.length] ?? 's',
    type: 'Added',
    data: { n: index + 1 },
  }))
}

/** Everything that the feed has. */
export async function eventsOf(store: TestStore): Promise<readonly object[]> {
  return store.events.readAll().toArray()
}

/** The same pool behind an adapter that takes queries and nothing else. */
export function poolWithoutCopy(pool: Pool): PoolLike {
  return {
    connect: async () => {
      const client = await pool.connect()
      return { query: (config) => client.query(config), release: (destroy) => client.release(destroy) }
    },
  }
}
