import { createStore, typed, type JsonObject } from '@rillflow/core'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'
import { defineEvents, events, type AppendResult } from '../src/index.js'

const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ total: z.number(), currency: z.string().default('EUR') }),
  OrderShipped: typed<{ carrier: string }>(),
})
const CustomerEvents = defineEvents('customer', { CustomerMoved: typed<{ city: string }>() })

const store = createStore({
  connection: process.env['DATABASE_URL'],
  modules: { events: events({ order: OrderEvents, customer: CustomerEvents }) },
})
const placed = [{ type: 'OrderPlaced', data: { total: 1 } }] as const

// What may be appended: the schema's input, in any mixture.
expectTypeOf(store.events.append('o', placed)).toEqualTypeOf<Promise<AppendResult>>()
void store.events.append('o', [
  { type: 'OrderPlaced', data: { total: 1, currency: 'USD' } },
  { type: 'CustomerMoved', data: { city: 'Ulm' }, headers: { a: [1, null] }, id: 'x', correlationId: 'c' },
])

// And what may not.
// @ts-expect-error: no family has this type
void store.events.append('o', [{ type: 'OrderPaid', data: {} }])
// @ts-expect-error: wrong data
void store.events.append('o', [{ type: 'OrderPlaced', data: { total: '1' } }])
// @ts-expect-error: data of another type, for type and data are a pair
void store.events.append('o', [{ type: 'OrderPlaced', data: { carrier: 'dhl' } }])
// @ts-expect-error: missing data
void store.events.append('o', [{ type: 'OrderPlaced' }])
// @ts-expect-error: missing type
void store.events.append('o', [{ data: { total: 1 } }])
// @ts-expect-error: one event is no list
void store.events.append('o', { type: 'OrderPlaced', data: { total: 1 } })
// @ts-expect-error: a stream's id is text
void store.events.append(1, placed)
// @ts-expect-error: headers are JSON
void store.events.append('o', [{ type: 'OrderPlaced', data: { total: 1 }, headers: { at: new Date() } }])

// How it may be appended; options may be spelled out as undefined.
for (const expected of ['any', 'noStream', 'streamExists', 0, 7, undefined] as const) {
  void store.events.append('o', placed, { expected, category: undefined, headers: undefined })
}
// @ts-expect-error: no such word
void store.events.append('o', placed, { expected: 'none' })
// @ts-expect-error: null is no way to say "any"
void store.events.append('o', placed, { expected: null })
// @ts-expect-error: a version is a number
void store.events.append('o', placed, { expected: 1n })
// @ts-expect-error: no such option
void store.events.append('o', placed, { expectedVersion: 1 })

// What is read is a discriminated union of the schemas' outputs.
const reader = store.events.readStream('o', { from: 1, to: undefined, direction: 'backward', limit: 1, pageSize: 2 })
for await (const event of reader) {
  expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderShipped' | 'CustomerMoved'>()
  expectTypeOf(event.version).toEqualTypeOf<number>()
  expectTypeOf(event.position).toEqualTypeOf<number>()
  expectTypeOf(event.headers).toEqualTypeOf<JsonObject>()
  expectTypeOf(event.createdAt).toEqualTypeOf<Date>()
  if (event.type === 'OrderPlaced') expectTypeOf(event.data).toEqualTypeOf<{ total: number; currency: string }>()
  if (event.type === 'OrderShipped') expectTypeOf(event.data).toEqualTypeOf<{ carrier: string }>()
  // @ts-expect-error: not before the type is known
  void event.data.carrier
  // @ts-expect-error: what is stored does not change
  event.version = 1
}
for await (const event of store.events.readAll({ after: 7 })) {
  if (event.type === 'CustomerMoved') expectTypeOf(event.data).toEqualTypeOf<{ city: string }>()
}
expectTypeOf(store.events.head()).toEqualTypeOf<Promise<number>>()
// @ts-expect-error: no such option
store.events.readStream('o', { fromVersion: 1 })
// @ts-expect-error: no such direction
store.events.readStream('o', { direction: 'down' })
// @ts-expect-error: streams have versions, the feed has positions
store.events.readAll({ from: 1 })

// The same types in a transaction.
void store.transaction(async (tx) => {
  expectTypeOf(await tx.events.append('o', placed)).toEqualTypeOf<AppendResult>()
  // @ts-expect-error: wrong data
  await tx.events.append('o', [{ type: 'OrderShipped', data: { city: 'Ulm' } }])
})

// And in a session, which stages and reads nothing.
const session = store.session()
expectTypeOf(session.events.append('o', placed)).toEqualTypeOf<void>()
// @ts-expect-error: wrong type
session.events.append('o', [{ type: 'Nothing', data: {} }])
// @ts-expect-error: staging only
session.events.readStream('o')
expectTypeOf(session.saveChanges()).resolves.toEqualTypeOf<{ readonly events: readonly AppendResult[] }>()

// Families.
// @ts-expect-error: a plain object is no schema
defineEvents('order', { OrderPlaced: { total: 'number' } })
// @ts-expect-error: a family is made by defineEvents
events({ order: { OrderPlaced: typed<{ total: number }>() } })

for await (const event of store.events.readStream('o', { metadata: false })) {
  expectTypeOf(event.version).toEqualTypeOf<number>()
  expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderShipped' | 'CustomerMoved'>()
  // @ts-expect-error what was not read is not there
  void event.position
}
