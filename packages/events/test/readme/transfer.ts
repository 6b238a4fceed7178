import { createStore, singleTenant, typed } from '@rillflow/core'
import { defineEvents, events, parseExport } from '@rillflow/events'
import { sync } from '@rillflow/schema'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })
const modules = { events: events({ order: OrderEvents }) }
const connection = process.env.DATABASE_URL
const store = createStore({ connection, modules })
const copy = createStore({ connection, modules, tenancy: singleTenant({ schema: 'copy' }) })
await sync(store)
await sync(copy)

// Whatever gives events in order: here a generator, more often the rows of an old table or the lines of a file.
async function* oldOrders() {
  for (let n = 1; n <= 20_000; n += 1) {
    const at = new Date(Date.UTC(2020, 0, 1) + n * 1_000)
    yield { streamId: `order-${n % 4_000}`, type: 'OrderPlaced', data: { total: n }, createdAt: at } as const
  }
}

// Killed and run again, it goes on behind what is stored.
const first = await store.events.import(oldOrders(), { name: 'orders of the old shop' })
console.log(first.events, first.streams) // 20000 4000

// The text of an export goes to a file, over a wire, or straight into another store.
const second = await copy.events.import(parseExport(store.events.export()), { validate: false })
console.log(second.events, await copy.events.head()) // 20000 20000

await store.close()
await copy.close()
