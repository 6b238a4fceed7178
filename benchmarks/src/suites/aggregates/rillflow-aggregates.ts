import { aggregates, defineAggregate, type SnapshotPolicy } from '@rillflow/aggregates'
import { createStore, isRillflowError, typed } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { orderEvents, type OrderData } from '../../stores/events/order-events.js'
import { countRows, POOL_SIZE } from '../../stores/pool.js'
import { FILLED_AT_ONCE, type AggregateStore } from './aggregate-store.js'
import { noOrders, withOrder } from './order-fold.js'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<OrderData>() })

/** How the aggregate under test is defined; the rest is as it comes. */
export interface RillflowAggregatesOptions {
  readonly snapshot?: SnapshotPolicy | undefined
}

/** Rillflow: `load`, `execute` and `commit`, states left unfrozen as they are where `NODE_ENV` is `production`. */
export async function rillflowAggregates(
  url: string,
  options: RillflowAggregatesOptions = {},
): Promise<AggregateStore> {
  const Order = defineAggregate('order', {
    events: OrderEvents,
    initial: noOrders,
    evolve: { OrderPlaced: withOrder },
    snapshot: options.snapshot,
  })
  const store = createStore({
    connection: { url, maxConnections: POOL_SIZE },
    modules: { events: events({ order: OrderEvents }), aggregates: aggregates({ freezeStates: false }) },
  })
  await sync(store)
  return {
    fill: async (stream, length) => {
      let order = await store.aggregates.load(Order, stream)
      while (order.version < length) {
        const missing = Math.min(FILLED_AT_ONCE, length - order.version)
        order = await store.aggregates.commit(Order, order, orderEvents(missing))
      }
    },
    load: async (stream) => (await store.aggregates.load(Order, stream)).state,
    execute: (stream) => store.aggregates.execute(Order, stream, () => orderEvents(1)),
    isConflict: (error) => isRillflowError(error, 'VersionConflict'),
    count: () => countRows(url, 'rillflow.events'),
    close: () => store.close(),
  }
}
