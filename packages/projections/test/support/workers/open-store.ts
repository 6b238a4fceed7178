import { createStore, singleTenant, type Logger, type PoolLike } from '@rillflow/core'
import { documents } from '@rillflow/documents'
import { events, type EventsOptions } from '@rillflow/events'
import { projections, type Projection } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import { accountCollection, families } from './accounts.js'

/** How the store of a test is made. */
export interface OpenOptions {
  readonly events?: EventsOptions | undefined
  readonly logger?: Logger | undefined
}

/** A store of accounts on a schema that exists. */
export function storeOn(pool: PoolLike, schema: string, list: readonly Projection[], options: OpenOptions = {}) {
  return createStore({
    // A store listens to its pool until it is closed; those of many tests would be told of as a leak.
    connection: { pool: { connect: () => pool.connect() } },
    tenancy: singleTenant({ schema }),
    logger: options.logger,
    modules: {
      events: events(families, { wakeUps: false, ...options.events }),
      docs: documents({
        accounts: accountCollection('accounts'),
        one: accountCollection('one'),
        two: accountCollection('two'),
        three: accountCollection('three'),
      }),
      projections: projections(list),
    },
  })
}

/** The store of a test. */
export type AccountStore = ReturnType<typeof storeOn>

let made = 0

/** The same in a schema of its own. */
export async function openStore(
  pool: PoolLike,
  list: readonly Projection[],
  options: OpenOptions = {},
): Promise<{ readonly store: AccountStore; readonly schema: string }> {
  made += 1
  const schema = `workers_${made}`
  const store = storeOn(pool, schema, list, options)
  await sync(store)
  return { store, schema }
}
