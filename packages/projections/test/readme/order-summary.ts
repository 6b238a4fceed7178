import { createStore } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'
import { defineProjection, projections } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import { z } from 'zod'

const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ total: z.number() }),
  ItemAdded: z.object({ price: z.number() }),
  OrderCancelled: z.object({}),
})
const Summaries = defineCollection('order-summaries', {
  schema: z.object({ id: z.string(), total: z.number(), items: z.number().default(0) }),
})
const OrderSummary = defineProjection('order-summary', {
  version: 1,
  mode: 'inline',
  from: [OrderEvents],
  to: Summaries,
  on: {
    OrderPlaced: (_, { streamId, data }) => ({ id: streamId, total: data.total }),
    ItemAdded: (order, { data }) => order && { ...order, total: order.total + data.price, items: order.items + 1 },
    OrderCancelled: () => undefined, // deletes
  },
})

const store = createStore({
  connection: process.env.DATABASE_URL,
  modules: {
    events: events({ order: OrderEvents }),
    docs: documents({ summaries: Summaries }),
    projections: projections([OrderSummary]),
  },
})
await sync(store) // makes the tables

await store.events.append('order-1', [{ type: 'OrderPlaced', data: { total: 9 } }])
await store.events.append('order-1', [{ type: 'ItemAdded', data: { price: 5 } }])
console.log(await store.docs.summaries.get('order-1')) // { id: 'order-1', total: 14, items: 1 }
await store.close()
