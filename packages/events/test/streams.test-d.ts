import { createStore, typed } from '@rillflow/core'
import { expectTypeOf } from 'vitest'
import {
  defineEvents,
  events,
  upcaster,
  type AppendResult,
  type EventVersion,
  type StoredEvent,
  type StreamInfo,
  type Upcaster,
} from '../src/index.js'

const OrderEvents = defineEvents('order', {
  OrderPlaced: typed<{ total: number; currency: string }>(),
  OrderShipped: typed<{ carrier: string }>(),
})

// The data that a step takes is what its author says; it cannot be used before that is said.
const renamed = upcaster({
  from: ['OrderCreated', 1],
  to: ['OrderPlaced', 2],
  upcast: (data: { total: number }, event) => {
    expectTypeOf(event).toEqualTypeOf<StoredEvent>()
    return { ...data, currency: 'EUR' }
  },
})
expectTypeOf(renamed).toEqualTypeOf<Upcaster>()
upcaster({ from: ['A', 1], to: ['A', 2], upcast: (data) => expectTypeOf(data).toEqualTypeOf<unknown>() })
upcaster({ from: ['A', 1], to: ['A', 2], upcast: async () => Promise.resolve({}) })
// @ts-expect-error: a version is a number
upcaster({ from: ['A', '1'], to: ['A', 2], upcast: (data) => data })
// @ts-expect-error: a form is a type and a version
upcaster({ from: ['A'], to: ['A', 2], upcast: (data) => data })

const store = createStore({
  connection: process.env['DATABASE_URL'],
  modules: { events: events({ order: OrderEvents }, { upcasters: [renamed] }) },
})

const placed = { type: 'OrderPlaced', data: { total: 1, currency: 'EUR' } } as const

// The builder takes what append takes.
expectTypeOf(store.events.stream('o').expected('noStream').push(placed).send()).toEqualTypeOf<Promise<AppendResult>>()
void store.events
  .stream('o')
  .push(placed, { type: 'OrderShipped', data: { carrier: 'dhl' } })
  .headers({ a: 1 })
  .send()
void store.events.stream('o').signal(new AbortController().signal).correlationId(undefined).push(placed).send()
// @ts-expect-error: data of another type, for type and data are a pair
store.events.stream('o').push({ type: 'OrderPlaced', data: { carrier: 'dhl' } })
// @ts-expect-error: an old name is read, not appended
store.events.stream('o').push({ type: 'OrderCreated', data: { total: 1 } })
// @ts-expect-error: no such word
store.events.stream('o').expected('none')
// @ts-expect-error: nothing is staged on the store
store.events.stream('o').push(placed).stage()

void store.transaction(async (tx) => {
  expectTypeOf(tx.events.stream('o').push(placed).send()).toEqualTypeOf<Promise<AppendResult>>()
  // @ts-expect-error: in a transaction nothing can be withdrawn
  tx.events.stream('o').signal(undefined)
  expectTypeOf(tx.events.archiveStream('o', { expected: 3 })).toEqualTypeOf<Promise<StreamInfo>>()
})

const session = store.session()
expectTypeOf(session.events.stream('o').expected(1).push(placed).stage()).toEqualTypeOf<void>()
// @ts-expect-error: a session stages
void session.events.stream('o').push(placed).send()

expectTypeOf(store.events.streamInfo('o')).toEqualTypeOf<Promise<StreamInfo | undefined>>()
expectTypeOf(store.events.findAlias('a')).toEqualTypeOf<Promise<string | undefined>>()
expectTypeOf(store.events.resolveAlias('a', { create: () => 'o' })).toEqualTypeOf<Promise<string>>()
// @ts-expect-error: a stream's id is text
void store.events.resolveAlias('a', { create: () => 1 })
// @ts-expect-error: readers include or exclude; only lists can be of some alone
store.events.readAll({ archived: 'only' })
store.events.listStreams({ archived: 'only', category: undefined })

// Filters name the new types.
store.events.readAll({ filter: { types: ['OrderPlaced'] }, validate: true })
// @ts-expect-error: an old name
store.events.readAll({ filter: { types: ['OrderCreated'] } })

expectTypeOf(store.events.upcasters.path('OrderCreated', 1)).toEqualTypeOf<readonly EventVersion[]>()
