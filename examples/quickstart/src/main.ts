import { createStore, isRillflowError, typed } from '@rillflow/core'
import { defineCollection, documents, index } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'
import { defineProjection, projections } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import { startPostgres } from '@rillflow/testing'
import { z } from 'zod'

// What is stored: documents with a schema …
const Customer = defineCollection('customers', {
  schema: z.object({ id: z.string(), email: z.email(), tier: z.enum(['free', 'pro']), orders: z.number() }),
  indexes: [index('email', { unique: true })],
})
// … and events, each type with the shape of its data.
const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ customerId: z.string(), total: z.number() }),
  OrderShipped: typed<{ carrier: string }>(), // a type alone, nothing is checked at run time
})
// What readers look at: a document for each order, folded from its events in the transaction that appends them.
const Order = defineCollection('orders', {
  schema: z.object({ id: z.string(), customerId: z.string(), total: z.number(), carrier: z.string().optional() }),
})
const Orders = defineProjection('orders', {
  version: 1,
  mode: 'inline', // `async` leaves it to workers, and any number of them
  from: [OrderEvents],
  to: Order,
  on: {
    OrderPlaced: (_, { streamId, data }) => ({ id: streamId, ...data }),
    OrderShipped: (order, { data }) => order && { ...order, carrier: data.carrier },
  },
})

// A PostgreSQL for this run: yours when DATABASE_URL is set, else one that is started here and stopped at the end.
await using postgres = await startPostgres({ from: process.env.DATABASE_URL ? 'url' : 'embedded', durable: true })

await using store = createStore({
  connection: postgres.url,
  modules: {
    docs: documents({ customers: Customer, orders: Order }),
    events: events({ order: OrderEvents }),
    projections: projections([Orders]),
  },
})
const { applied } = await sync(store)
console.log(`The database is ready: ${applied.length} step(s) of the schema were applied.`)

const customerId = `ada-${Date.now()}`
const orderId = `order-${Date.now()}`
const email = `${customerId}@example.com`

// A document: one statement, one round trip.
await store.docs.customers.put({ id: customerId, email, tier: 'free', orders: 0 })
console.log(`Stored the customer ${customerId}.`)

// A session stages documents and events, and commits them together or not at all.
const session = store.session({ headers: { user: 'quickstart' } })
const customer = await session.docs.customers.load(customerId)
if (customer === undefined) throw new Error('the customer that was just stored is gone')
session.docs.customers.store({ ...customer, tier: 'pro', orders: customer.orders + 1 })
session.events.append(orderId, [{ type: 'OrderPlaced', data: { customerId, total: 9.5 } }], { expected: 'noStream' })
const saved = await session.saveChanges()
console.log(`Committed one document and ${saved.events.length} append in one transaction.`)

// Two people act on the same order; the second one still believes that it is at version 1.
await store.events.append(orderId, [{ type: 'OrderShipped', data: { carrier: 'dhl' } }], { expected: 1 })
try {
  await store.events.append(orderId, [{ type: 'OrderShipped', data: { carrier: 'ups' } }], { expected: 1 })
} catch (error) {
  if (!isRillflowError(error, 'VersionConflict')) throw error
  console.log(`Refused, as it must be: ${error.message}`)
}

// What happened to the order, in order.
for await (const event of store.events.readStream(orderId)) {
  const what = event.type === 'OrderPlaced' ? `placed for ${event.data.total}` : `shipped with ${event.data.carrier}`
  console.log(`  version ${event.version} at position ${event.position}: ${what}`)
}
const order = await store.docs.orders.get(orderId)
console.log(`Projected: the order of ${order?.total} went with ${order?.carrier}.`)
const [found] = await store.docs.customers.find({ email })
console.log(`Found by e-mail: ${found?.id} is ${found?.tier} with ${found?.orders} order(s).`)
