import { createStore, singleTenant, type PoolLike } from '@rillflow/core'
import { documents } from '@rillflow/documents'
import { events, type EventsOptions } from '@rillflow/events'
import { projections, type Projection } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import { families, Tallies } from './tally.js'

/** A store of tallies on a schema that exists. */
export function storeOn(
  pool: PoolLike | string,
  schema: string,
  list: readonly Projection[],
  options: EventsOptions = {},
) {
  return createStore({
    // A store listens to its pool until it is closed; those of many tests would be told of as a leak.
    connection: typeof pool === 'string' ? pool : { pool: { connect: () => pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: {
      // In the order that is the least convenient.
      projections: projections(list),
      docs: documents({ tallies: Tallies }),
      events: events(families, { wakeUps: false, ...options }),
    },
  })
}

/** The store of a test. */
export type TestStore = ReturnType<typeof storeOn>

let made = 0

/** The same in a schema of its own. */
export async function newStore(pool: PoolLike, list: readonly Projection[], options: EventsOptions = {}) {
  made += 1
  const schema = `projections_${made}`
  const store = storeOn(pool, schema, list, options)
  await sync(store)
  return { store, schema }
}
