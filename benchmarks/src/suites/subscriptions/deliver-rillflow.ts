import { createStore, typed } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { defineSubscription, subscriptions } from '@rillflow/subscriptions'
import type { OrderData } from '../../stores/events/order-events.js'
import { RILLFLOW_FEED, seedFeed, type FeedShape } from '../../stores/events/order-feed.js'
import { POOL_SIZE } from '../../stores/pool.js'
import type { Deliverer } from './deliver.js'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<OrderData>() })
const Orders = defineSubscription('orders', { from: [OrderEvents] })
/** What a subscription fetches at once, unless told. */
const PAGE = 200
const IN_FLIGHT = 100

/** Rillflow's `run`, each time in a group of its own, whose checkpoint must come as far as the handler. */
export async function deliverRillflow(url: string, shape: FeedShape): Promise<Deliverer> {
  const store = await openStore(url, shape)
  let rounds = 0
  return {
    deliver: async (handle, signal) => {
      const group = `round-${(rounds += 1)}`
      let last = 0
      await store.subscriptions.run(
        Orders,
        ({ event }) => {
          handle(event.data)
          last = Math.max(last, event.position)
        },
        { group, maxInFlight: IN_FLIGHT, pageSize: PAGE, signal },
      )
      const { position } = await store.subscriptions.status('orders', { group })
      if (position < last) throw new Error(`The checkpoint stands at ${position}, and ${last} was handled.`)
    },
    close: () => store.close(),
  }
}

/** Reading alone, in pages of the same size: no order to keep, no lease, no checkpoint. */
export async function readRillflow(url: string, shape: FeedShape): Promise<Deliverer> {
  const store = await openStore(url, shape)
  return {
    deliver: async (handle, signal) => {
      for await (const { data } of store.events.readAll({ pageSize: PAGE })) {
        handle(data)
        if (signal.aborted) return
      }
    },
    close: () => store.close(),
  }
}

async function openStore(url: string, shape: FeedShape) {
  const store = createStore({
    connection: { url, maxConnections: POOL_SIZE },
    modules: { events: events({ order: OrderEvents }), subscriptions: subscriptions() },
  })
  await sync(store)
  await seedFeed(url, shape, RILLFLOW_FEED)
  return store
}
