import { createStore, typed } from '@rillflow/core'
import {
  avg,
  compileQuery,
  contains,
  count,
  defineCollection,
  documents,
  field,
  gt,
  gte,
  index,
  oneOf,
  or,
  search,
  sql,
} from '@rillflow/documents'
import { sync } from '@rillflow/schema'

interface Order {
  readonly id: string
  readonly state: 'open' | 'paid' | 'sent'
  readonly total: number
  readonly lines: readonly { readonly sku: string; readonly count: number }[]
  readonly address?: { readonly city: string }
  readonly note?: string
}

const Order = defineCollection('orders', { schema: typed<Order>(), indexes: [index(['state', 'total'])] })
const store = createStore({ connection: process.env['DATABASE_URL'], modules: { docs: documents({ orders: Order }) } })
await sync(store)
const { orders } = store.docs

await orders.putMany([
  { id: 'o-1', state: 'open', total: 30, lines: [{ sku: 'tea', count: 1 }] },
  { id: 'o-2', state: 'open', total: 20, lines: [{ sku: 'tea', count: 3 }], note: 'ring the bell' },
  { id: 'o-3', state: 'paid', total: 10, lines: [] },
])

await orders.patch(
  'o-1',
  (order) =>
    order
      .set('address.city', 'Oslo') // address is made
      .increment('lines[0].count', 2) // an index; negative ones count from the end
      .append('lines', { sku: 'cup', count: 1 })
      .remove('note'), // is not there: nothing happens
)

const open = orders.query({ state: 'open', total: gt(5) }).orderBy('total', 'desc')
const first = await open.page(1)
const second = await open.page(1, first.next)
console.log([...first.rows, ...second.rows].map(({ id }) => id))

console.log(await orders.query(or({ note: search('bell') }, { lines: contains([{ sku: 'cup' }]) })).count())
console.log(
  await orders
    .query(sql`jsonb_array_length(${field('lines')}) = ${0}::int`)
    .select('id', 'total')
    .all(),
)
console.log(
  await orders
    .query()
    .groupBy('state')
    .aggregate({ orders: count(), mean: avg('total') }),
)

const worth = compileQuery(Order, typed<{ states: Order['state'][]; least: number }>(), (query, { states, least }) =>
  query.where({ state: oneOf(states), total: gte(least) }).orderBy('total'),
)
console.log((await orders.run(worth, { states: ['open', 'paid'], least: 20 })).length)

for await (const order of orders.query()) if (order.state === 'sent') console.log(order.id) // any number, page by page
await store.close()
