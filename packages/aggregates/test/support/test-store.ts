import { aggregates, type AggregatesOptions } from '@rillflow/aggregates'
import { createStore, singleTenant, type Logger, type PoolLike } from '@rillflow/core'
import { events, type EventsOptions } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { AccountEvents } from './account.js'

let made = 0

/** How the store of a test is made. */
export interface TestStoreOptions {
  readonly aggregates?: AggregatesOptions | undefined
  readonly events?: EventsOptions | undefined
  readonly logger?: Logger | undefined
}

/** A store on a schema that exists. */
export function storeOn(pool: PoolLike, schema: string, options: TestStoreOptions = {}) {
  return createStore({
    connection: { pool },
    tenancy: singleTenant({ schema }),
    logger: options.logger,
    modules: {
      aggregates: aggregates(options.aggregates),
      events: events({ account: AccountEvents }, { wakeUps: false, ...options.events }),
    },
  })
}

/** The store of a test. */
export type TestStore = ReturnType<typeof storeOn>

/** A store in a schema of its own. */
export async function newStore(
  pool: PoolLike,
  options: TestStoreOptions = {},
): Promise<{ store: TestStore; schema: string }> {
  made += 1
  const schema = `aggregates_${made}`
  const store = storeOn(pool, schema, options)
  await sync(store)
  return { store, schema }
}
