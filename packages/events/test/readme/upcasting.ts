import { createStore, typed } from '@rillflow/core'
import { defineEvents, events, upcaster } from '@rillflow/events'
import { sync } from '@rillflow/schema'

const connection = process.env.DATABASE_URL

// The code of last year stored OrderCreated.
const OldEvents = defineEvents('order', { OrderCreated: typed<{ total: number }>() })
const lastYear = createStore({ connection, modules: { events: events({ order: OldEvents }) } })
await sync(lastYear)
await lastYear.events.append('order-8', [{ type: 'OrderCreated', data: { total: 9 } }])
await lastYear.close()

// Today the event has another name and a currency.
const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number; currency: string }>() })
const upcasters = [
  upcaster({
    from: ['OrderCreated', 1],
    to: ['OrderPlaced', 2],
    upcast: (data: { total: number }) => ({ ...data, currency: 'EUR' }),
  }),
]
const store = createStore({ connection, modules: { events: events({ order: OrderEvents }, { upcasters }) } })

for await (const event of store.events.readAll({ filter: { types: ['OrderPlaced'] } })) {
  console.log(event.type, event.schemaVersion, event.data.currency) // OrderPlaced 2 EUR
}
await store.close()
