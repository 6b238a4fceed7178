import { createStore, isRillflowError, typed } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { z } from 'zod'

const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ customerId: z.string(), total: z.number(), currency: z.string().default('EUR') }),
  OrderShipped: typed<{ carrier: string }>(), // not validated
})

const store = createStore({
  connection: process.env.DATABASE_URL,
  modules: { events: events({ order: OrderEvents }) },
})
await sync(store) // makes the tables

const placed = { type: 'OrderPlaced', data: { customerId: 'c-1', total: 9 } } as const
const { version, position } = await store.events.append('order-1', [placed], { expected: 'noStream' })
console.log(version, position) // 1 1

for await (const event of store.events.readStream('order-1')) {
  if (event.type === 'OrderPlaced') console.log(event.version, event.data.total, event.data.currency) // 1 9 EUR
}

try {
  await store.events.append('order-1', [placed], { expected: 'noStream' })
} catch (error) {
  if (!isRillflowError(error, 'VersionConflict')) throw error
  console.log(error.message) // Version conflict on stream "order-1": expected that it does not exist, actual version 1. …
}
await store.close()
