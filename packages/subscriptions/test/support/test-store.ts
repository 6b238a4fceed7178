import { createStore, singleTenant, typed, type Logger, type PoolLike } from '@rillflow/core'
import { defineEvents, events, type EventsOptions } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { defineSubscription, subscriptions } from '@rillflow/subscriptions'
import { atEnd } from './at-end.js'

/** The events of all tests. */
export const OrderEvents = defineEvents('order', {
  OrderPlaced: typed<{ total: number }>(),
  OrderShipped: typed<{ carrier: string }>(),
})

/** Events of another family, so that filters have something to leave out. */
export const NoteEvents = defineEvents('note', { Noted: typed<{ total: number }>() })

/** Follows all orders. */
export const Orders = defineSubscription('orders', { from: [OrderEvents] })

/** Follows what was placed, which always has a total. */
export const Placed = defineSubscription('placed', { from: [OrderEvents], types: ['OrderPlaced'] })

let made = 0

/** How the store of a test is made. */
export interface TestStoreOptions {
  readonly events?: EventsOptions | undefined
  readonly logger?: Logger | undefined
}

/** A store on a schema that exists. */
export function storeOn(pool: PoolLike, schema: string, options: TestStoreOptions = {}) {
  return createStore({
    // A store listens to its pool until it is closed; those of many tests would be told of as a leak.
    connection: { pool: { connect: () => pool.connect() } },
    tenancy: singleTenant({ schema }),
    logger: options.logger,
    modules: {
      events: events({ order: OrderEvents, note: NoteEvents }, options.events),
      subscriptions: subscriptions(),
    },
  })
}

/** The store of a test. */
export type TestStore = ReturnType<typeof storeOn>

/** A store in a schema of its own, which is closed at the end of the test. */
export async function newStore(
  pool: PoolLike,
  options: TestStoreOptions = {},
): Promise<{ store: TestStore; schema: string }> {
  made += 1
  const schema = `subscriptions_${made}`
  const store = storeOn(pool, schema, options)
  atEnd(() => store.close())
  await sync(store)
  return { store, schema }
}

/** So many events for a stream, with totals that rise by one. */
export function placed(
  count: number,
  from = 1,
): readonly { readonly type: 'OrderPlaced'; readonly data: { total: number } }[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'OrderPlaced', data: { total: from + index } }))
}
