import { createStore, typed } from '@rillflow/core'
import { defineEvents, events, type StoredEvent } from '@rillflow/events'
import {
  defineSubscription,
  eventStream,
  subscriptions,
  type ConsumerStatus,
  type DeadLetter,
  type Delivery,
  type ManualDelivery,
} from '@rillflow/subscriptions'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'

const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ total: z.string().transform(Number) }),
  OrderShipped: typed<{ carrier: string }>(),
})
const NoteEvents = defineEvents('note', { Noted: typed<{ text: string }>() })

const store = createStore({
  connection: 'postgres://127.0.0.1/x',
  modules: { events: events({ order: OrderEvents, note: NoteEvents }), subscriptions: subscriptions() },
})
const api = store.subscriptions

// All types of its families, unless it names some.
const All = defineSubscription('all', { from: [OrderEvents, NoteEvents] })
const Orders = defineSubscription('orders', { from: [OrderEvents] })
const Placed = defineSubscription('placed', { from: [OrderEvents, NoteEvents], types: ['OrderPlaced'] })
const Two = defineSubscription('two', { from: [OrderEvents, NoteEvents], types: ['OrderShipped', 'Noted'] })

void api.run(All, ({ event, key, attempt, signal }) => {
  expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderShipped' | 'Noted'>()
  expectTypeOf(key).toEqualTypeOf<string>()
  expectTypeOf(attempt).toEqualTypeOf<number>()
  expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
  // Type and data are a pair; data is what the schema gives.
  if (event.type === 'OrderPlaced') expectTypeOf(event.data).toEqualTypeOf<{ total: number }>()
  if (event.type === 'Noted') expectTypeOf(event.data).toEqualTypeOf<{ text: string }>()
})
void api.run(Orders, async ({ event }) => {
  expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderShipped'>()
})
void api.run(Placed, ({ event }) => {
  expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced'>()
  expectTypeOf(event.data.total).toEqualTypeOf<number>()
})
void api.run(Two, ({ event }) => {
  expectTypeOf(event.type).toEqualTypeOf<'OrderShipped' | 'Noted'>()
})
// By name it may be any event.
void api.run('all', ({ event }) => {
  expectTypeOf(event.type).toEqualTypeOf<string>()
  expectTypeOf(event.data).toEqualTypeOf<unknown>()
})

for await (const delivery of api.open(Placed, { ack: 'manual' })) {
  expectTypeOf(delivery.event.data.total).toEqualTypeOf<number>()
  expectTypeOf(delivery.ack()).toEqualTypeOf<void>()
  delivery.nack()
  delivery.nack(new Error('no'))
  // @ts-expect-error: what is delivered is not changed
  delivery.event.position = 1
}
for await (const event of api.tail({ filter: [{ types: ['Noted'] }], after: 3 })) {
  expectTypeOf(event).toEqualTypeOf<StoredEvent>()
}
expectTypeOf(eventStream(api.tail(), { data: ({ type }) => ({ type }) })).toEqualTypeOf<ReadableStream<Uint8Array>>()

await store.transaction(async (tx) => {
  const delivery = {} as Delivery<StoredEvent<'OrderPlaced', { total: number }>>
  expectTypeOf(await tx.subscriptions.ack(delivery)).toEqualTypeOf<void>()
  await tx.subscriptions.ack({} as ManualDelivery)
  // @ts-expect-error: an event is no delivery
  await tx.subscriptions.ack({} as StoredEvent)
  // @ts-expect-error: a transaction runs nothing
  tx.subscriptions.run(Placed, () => undefined)
})
// @ts-expect-error: a session stages no acks
void store.session().subscriptions

// @ts-expect-error: of none of its families
void defineSubscription('x', { from: [OrderEvents], types: ['Noted'] })
// @ts-expect-error: misspelt
void defineSubscription('x', { from: [OrderEvents], types: ['OrderPlacd'] })
// @ts-expect-error: families are asked for
void defineSubscription('x', {})
// @ts-expect-error: types stand beside the filter
void defineSubscription('x', { from: [OrderEvents], filter: { types: ['OrderPlaced'] } })
// @ts-expect-error: no such condition
void defineSubscription('x', { from: [OrderEvents], filter: { stream: 'x' } })
// @ts-expect-error: no such place
void defineSubscription('x', { from: [OrderEvents], startFrom: 'end' })

// @ts-expect-error: of another type
void api.run(Placed, ({ event }) => event.data.carrier)
// @ts-expect-error: the handler of another subscription
void api.run(Placed, ({ key }: Delivery<StoredEvent<'Noted', { text: string }>>) => void key)
// @ts-expect-error: a handler is asked for
void api.run(Placed)
// @ts-expect-error: no such policy
void api.run(Placed, () => undefined, { onFailure: 'ignore' })
// @ts-expect-error: no such option
void api.run(Placed, () => undefined, { inFlight: 1 })
// @ts-expect-error: no such way to acknowledge
void api.open(Placed, { ack: 'later' })
// @ts-expect-error: it has no type to narrow
void api.open<never>(7)
// Options may be undefined.
void api.run(Placed, () => undefined, { lease: { duration: undefined }, retry: undefined, group: undefined })

expectTypeOf(api.status('x')).toEqualTypeOf<Promise<ConsumerStatus>>()
expectTypeOf(api.list()).toEqualTypeOf<Promise<readonly ConsumerStatus[]>>()
expectTypeOf(api.create(Placed)).toEqualTypeOf<Promise<boolean>>()
expectTypeOf(api.deadLetters.list('x')).toEqualTypeOf<Promise<readonly DeadLetter[]>>()
expectTypeOf(api.deadLetters.requeueAll('x')).toEqualTypeOf<Promise<number>>()
void api.create(Placed)
void api.create('x', { filter: { streamPrefix: 'order-' }, startFrom: 'now' })
// @ts-expect-error: no such condition
void api.create('x', { filter: { prefix: 'order-' } })
