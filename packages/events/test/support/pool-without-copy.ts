import type { PoolLike } from '@rillflow/core'
import type { Pool } from 'pg'

/** The same pool behind an adapter that takes queries and nothing else. */
export function poolWithoutCopy(pool: Pool): PoolLike {
  return {
    connect: async () => {
      const client = await pool.connect()
      return { query: (config) => client.query(config), release: (destroy) => client.release(destroy) }
    },
  }
}
