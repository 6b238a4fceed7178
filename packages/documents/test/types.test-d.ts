import { createStore, singleTenant, typed, type Tenancy } from '@rillflow/core'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { defineCollection, documents, index, type FieldOf, type Filter } from '../src/index.js'

interface Customer {
  readonly id: string
  readonly email: string
  readonly age?: number
  readonly tags: readonly string[]
  readonly address: { readonly city: string; readonly geo: { readonly lat: number } } | null
  readonly 'odd.key': string
}

const Customers = defineCollection('customers', {
  schema: typed<Customer>(),
  indexes: [index('email', { unique: true }), index('address.geo.lat')],
})
const Orders = defineCollection('orders', {
  schema: z.object({ id: z.string(), total: z.number(), state: z.enum(['open', 'done']).default('open') }),
})

// Fields

expectTypeOf<FieldOf<Customer>>().toEqualTypeOf<
  'id' | 'email' | 'age' | 'tags' | 'address' | 'address.city' | 'address.geo' | 'address.geo.lat'
>()

interface Tree {
  readonly id: string
  readonly child?: Tree
}
const deep: FieldOf<Tree> = 'child.child.child.child.id'
const open: Filter<{ id: string; labels: Record<string, number> }> = { 'labels.anything': 1 }

// @ts-expect-error a field that the schema does not have
defineCollection('customers', { schema: typed<Customer>(), indexes: [index('emial')] })
// @ts-expect-error a nested field that the schema does not have
defineCollection('customers', { schema: typed<Customer>(), indexes: [index('address.street')] })
// @ts-expect-error the document has no id
defineCollection('things', { schema: typed<{ name: string }>() })
// @ts-expect-error the id is no string
defineCollection('things', { schema: z.object({ id: z.number() }) })
// @ts-expect-error a collection has a schema
defineCollection('things', {})

export async function checked(): Promise<void> {
  const store = createStore({ connection: '', modules: { docs: documents({ customers: Customers, orders: Orders }) } })
  const { customers, orders } = store.docs

  // What goes in and what comes out are the schema's: a default may be left out, and is there afterwards.
  await orders.put({ id: 'o', total: 1 })
  const order = await orders.get('o')
  expectTypeOf<typeof order>().toEqualTypeOf<{ id: string; total: number; state: 'open' | 'done' } | undefined>()
  const customer = await customers.get('c')
  expectTypeOf<typeof customer>().toEqualTypeOf<Customer | undefined>()
  const stored = await orders.getStored('o')
  expectTypeOf<NonNullable<typeof stored>['deletedAt']>().toEqualTypeOf<Date | undefined>()

  // @ts-expect-error the id is missing
  await orders.put({ total: 1 })
  // @ts-expect-error a field is missing
  await orders.put({ id: 'o' })
  // @ts-expect-error a field has the wrong type
  await orders.put({ id: 'o', total: '1' })
  // @ts-expect-error insert expects by itself
  await orders.insert({ id: 'o', total: 1 }, { expected: 3 })
  // @ts-expect-error the word is another library's
  await orders.put({ id: 'o', total: 1 }, { expectedVersion: 3 })
  // @ts-expect-error ids are text
  await orders.get(1)
  // @ts-expect-error no such collection
  await store.docs.invoices.get('i')

  await orders.update('o', (before) => ({ ...before, total: before.total + 1 }))
  await orders.update('o', async (before) => ({ id: before.id, total: 2 }))
  // @ts-expect-error the change gives a whole document back
  await orders.update('o', () => ({ total: 1 }))
  // @ts-expect-error the change gives a document back
  await orders.update('o', () => undefined)

  await customers.find({ email: 'a', 'address.city': 'Oslo', address: null, age: 5 })
  await customers.find({ tags: ['a'] }, { limit: 5 })
  const found = await orders.find({ state: 'done' })
  expectTypeOf<typeof found>().toEqualTypeOf<{ id: string; total: number; state: 'open' | 'done' }[]>()
  // @ts-expect-error no such field
  await customers.find({ emial: 'a' })
  // @ts-expect-error no such nested field
  await customers.find({ 'address.street': 'a' })
  // @ts-expect-error an operand of another type
  await customers.find({ 'address.geo.lat': '5' })
  // @ts-expect-error null is no value of this field
  await customers.find({ email: null })
  // @ts-expect-error undefined would find nothing, or everything
  await customers.find({ age: undefined })
  // @ts-expect-error operators are no data
  await customers.find({ age: { $gt: 5 } })
  // @ts-expect-error not a value of the enumeration
  await orders.find({ state: 'lost' })

  await store.transaction(async (tx) => {
    await tx.docs.orders.delete('o', { expected: 2 })
    // @ts-expect-error load is the session's
    await tx.docs.orders.load('o')
  })

  const session = store.session()
  const loaded = await session.docs.customers.load('c')
  expectTypeOf<typeof loaded>().toEqualTypeOf<Customer | undefined>()
  session.docs.orders.store({ id: 'o', total: 1 })
  // @ts-expect-error a field is missing
  session.docs.orders.store({ id: 'o' })
  // @ts-expect-error a session stages: find is the store's
  await session.docs.orders.find({})
  const { docs } = await session.saveChanges()
  expectTypeOf<(typeof docs)[number]['version']>().toEqualTypeOf<number>()
}

export async function tenants(tenancy: Tenancy<'perTenant'>): Promise<void> {
  const modules = { docs: documents({ orders: Orders }) }
  const many = createStore({ connection: '', modules, tenancy })
  await many.tenant('acme').docs.orders.get('o')
  // @ts-expect-error the tenant must be named
  await many.docs.orders.get('o')
  const single = createStore({ connection: '', modules, tenancy: singleTenant() })
  // @ts-expect-error there is one tenant only
  single.tenant('acme')
}

export const values = { deep, open }
