import { createStore, isRillflowError, typed } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { sync } from '@rillflow/schema'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>(), OrderShipped: typed<object>() })
const store = createStore({
  connection: process.env.DATABASE_URL,
  modules: { events: events({ order: OrderEvents }) },
})
await sync(store)

// The same stream for everybody who knows the customer's own number of the order.
const orderId = await store.events.resolveAlias('customer-7:order-3')

const { version } = await store.events
  .stream(orderId)
  .expected('noStream')
  .correlationId('request-1')
  .push({ type: 'OrderPlaced', data: { total: 9 } }, { type: 'OrderShipped', data: {} })
  .send()

// Done: it can be read, and takes no more events. Nothing that came meanwhile is closed unseen.
await store.events.archiveStream(orderId, { expected: version })
const late = store.events.append(orderId, [{ type: 'OrderShipped', data: {} }])
await late.catch((error: unknown) => console.log(isRillflowError(error) ? error.code : error)) // StreamArchived

for await (const stream of store.events.listStreams({ category: 'order', archived: 'only' })) {
  console.log(stream.category, stream.version, stream.archivedAt !== undefined) // order 2 true
}
await store.close()
