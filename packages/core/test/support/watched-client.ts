import type { PoolLike, QueryConfigLike } from '@rillflow/core'
import type pg from 'pg'

/** Puts something in front of each statement that the store sends through a real pool; the statement itself is sent. */
export function watchPool(pool: pg.Pool, change: (config: QueryConfigLike) => QueryConfigLike): PoolLike {
  return {
    async connect() {
      const client = await pool.connect()
      return {
        query: (config) => client.query(change(config) as pg.QueryConfig),
        release: (destroy) => client.release(destroy),
        on: (event, listener) => client.on(event, listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
      }
    },
    on: (event, listener) => pool.on(event, listener),
    removeListener: (event, listener) => pool.removeListener(event, listener),
  }
}
