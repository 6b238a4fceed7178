import type { AggregatesOptions } from '@rillflow/aggregates'
import type { PoolLike } from '@rillflow/core'
import { AccountEvents } from './account.js'
import { newStoreOf, storeOf } from './store-of.js'
import { WatchedPool } from './watched-pool.js'

const families = { account: AccountEvents }

/** A store of accounts in a schema of its own, over a pool that tells what is sent and can hold its answers. */
export async function newWatchedStore(database: PoolLike, options: AggregatesOptions = {}) {
  const pool = new WatchedPool(database)
  const { store, schema } = await newStoreOf(pool, { families, ...options })
  // The first look of a store at a schema sees to its sequence as well.
  await store.events.head()
  pool.take()
  return { store, pool, schema }
}

/** Another process, as far as the first store can tell: it shares nothing with it but the schema. */
export function otherStore(database: PoolLike, schema: string) {
  return storeOf(database, schema, { families })
}
