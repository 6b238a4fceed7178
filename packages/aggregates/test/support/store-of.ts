import { aggregates, type AggregatesOptions } from '@rillflow/aggregates'
import { createStore, singleTenant, type PoolLike } from '@rillflow/core'
import { events, type EventFamilies, type EventsOptions } from '@rillflow/events'
import { sync } from '@rillflow/schema'

/** A store of families of the test's own on a schema that exists. */
export function storeOf<Families extends EventFamilies>(
  pool: PoolLike,
  schema: string,
  { families, ...options }: { readonly families: Families } & EventsOptions & AggregatesOptions,
) {
  const { freezeStates, ...ofEvents } = options
  return createStore({
    // A store listens to its pool until it is closed; those of many tests would be told of as a leak.
    connection: { pool: { connect: () => pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: {
      events: events(families, { wakeUps: false, ...ofEvents }),
      aggregates: aggregates({ freezeStates }),
    },
  })
}

let made = 0

/** The same in a schema of its own. */
export async function newStoreOf<Families extends EventFamilies>(
  pool: PoolLike,
  options: { readonly families: Families } & EventsOptions & AggregatesOptions,
) {
  made += 1
  const schema = `own_${made}`
  const store = storeOf(pool, schema, options)
  await sync(store)
  return { store, schema }
}
