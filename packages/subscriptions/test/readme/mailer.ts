import { createStore, typed } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { defineSubscription, subscriptions } from '@rillflow/subscriptions'

const OrderEvents = defineEvents('order', {
  OrderPlaced: typed<{ total: number }>(),
  OrderShipped: typed<{ carrier: string }>(),
})
const Mailer = defineSubscription('mailer', { from: [OrderEvents], types: ['OrderPlaced'] })

const store = createStore({
  connection: process.env.DATABASE_URL,
  modules: { events: events({ order: OrderEvents }), subscriptions: subscriptions() },
})
await sync(store) // makes the tables
await store.events.append('order-1', [
  { type: 'OrderPlaced', data: { total: 9 } },
  { type: 'OrderShipped', data: { carrier: 'dhl' } },
])

const stop = new AbortController()
await store.subscriptions.run(
  Mailer,
  async ({ event, attempt }) => {
    console.log(event.streamId, event.data.total, `attempt ${attempt}`) // order-1 9 attempt 1
    stop.abort() // a worker would go on; this one ends, and the next begins behind this event
  },
  { signal: stop.signal },
)
const { position, lag } = await store.subscriptions.status('mailer')
console.log(position, lag) // 2 0: what it does not select is passed over
await store.close()
