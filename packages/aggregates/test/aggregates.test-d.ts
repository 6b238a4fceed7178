import {
  aggregates,
  defineAggregate,
  type Committed,
  type DeepReadonly,
  type Executed,
  type Loaded,
  type SnapshotTaken,
} from '@rillflow/aggregates'
import { createStore, typed, type JsonObject } from '@rillflow/core'
import { defineEvents, events, type AppendResult } from '@rillflow/events'
import { expectTypeOf } from 'vitest'
import { z } from 'zod'

const OrderEvents = defineEvents('order', {
  OrderPlaced: z.object({ total: z.string().transform(Number), currency: z.string().default('EUR') }),
  OrderShipped: typed<{ carrier: string }>(),
})
const NoteEvents = defineEvents('note', { Noted: typed<{ text: string }>() })

interface OrderState {
  status: 'new' | 'placed' | 'shipped'
  total: number
  items: { sku: string; tags: string[] }[]
}
const initial = (): OrderState => ({ status: 'new', total: 0, items: [] })

const Order = defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve: {
    OrderPlaced: (order, event) => {
      // What comes in is what the schema gives, not what it takes.
      expectTypeOf(event.data).toEqualTypeOf<{ total: number; currency: string }>()
      expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced'>()
      expectTypeOf(event.version).toEqualTypeOf<number>()
      return { ...order, status: 'placed', total: event.data.total }
    },
    OrderShipped: (order, { data }) => {
      expectTypeOf(data).toEqualTypeOf<{ carrier: string }>()
      // @ts-expect-error: a state is not changed in place
      order.total = 1
      // @ts-expect-error: however deep
      order.items.push({ sku: 'a', tags: [] })
      // @ts-expect-error: nor what its items hold
      order.items[0]?.tags.push('a')
      return { ...order, status: 'shipped' }
    },
  },
  commands: {
    place: (_, total: string, currency?: string) => [{ type: 'OrderPlaced', data: { total, currency } }],
    ship: (order, { carrier }: { carrier: string }) =>
      order.status === 'placed' ? [{ type: 'OrderShipped', data: { carrier } }] : [],
    shipLater: async (_, carrier: string) => Promise.resolve([{ type: 'OrderShipped', data: { carrier } }]),
    cancel: () => [],
  },
  validate: (order, place) => {
    expectTypeOf(order).toEqualTypeOf<DeepReadonly<OrderState>>()
    expectTypeOf(place.version).toEqualTypeOf<number>()
  },
})
const Note = defineAggregate('note', {
  events: NoteEvents,
  initial: () => ({ text: '' }),
  evolve: { Noted: (_, { data }) => ({ text: data.text }) },
})

// The evolve is exhaustive, and of these events.
const evolve = Order.evolve
void defineAggregate('order', { events: OrderEvents, initial, evolve })
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  // @ts-expect-error: OrderShipped is missing
  evolve: { OrderPlaced: (order) => order },
})
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve: {
    OrderPlaced: (order) => order,
    OrderShipped: (order) => order,
    // @ts-expect-error: no event has this type
    OrderLost: (order) => order,
  },
})
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve: {
    ...evolve,
    // @ts-expect-error: that is no state
    OrderShipped: () => ({ status: 'lost' }),
  },
})
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  // @ts-expect-error: it must give the state
  evolve: { ...evolve, OrderShipped: () => {} },
})
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve: {
    ...evolve,
    // @ts-expect-error: the event has no such data
    OrderShipped: (order, { data }) => ({ ...order, total: data.total }),
  },
})
// @ts-expect-error: an aggregate has a state to begin with
void defineAggregate('order', { events: OrderEvents, evolve })
// @ts-expect-error: a snapshot policy has a version
void defineAggregate('order', { events: OrderEvents, initial, evolve, snapshot: { every: 10 } })
// @ts-expect-error: no such policy
void defineAggregate('order', { events: OrderEvents, initial, evolve, unknownEvents: 'ignore' })
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve,
  // @ts-expect-error: a command gives events of the family
  commands: { note: () => [{ type: 'Noted', data: { text: '' } }] },
})
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve,
  // @ts-expect-error: type and data are a pair
  commands: { ship: () => [{ type: 'OrderShipped', data: { total: '1' } }] },
})
// Options may be spelled out as undefined.
void defineAggregate('order', {
  events: OrderEvents,
  initial,
  evolve,
  commands: undefined,
  validate: undefined,
  snapshot: undefined,
  unknownEvents: undefined,
})

// Commands take what they were given besides the state.
expectTypeOf(Order.commands.place).parameters.toEqualTypeOf<[total: string, currency?: string | undefined]>()
expectTypeOf(Order.commands.ship).parameters.toEqualTypeOf<[{ carrier: string }]>()
expectTypeOf(Order.commands.cancel).parameters.toEqualTypeOf<[]>()
// @ts-expect-error: wrong input
Order.commands.ship({ carrier: 1 })
// @ts-expect-error: missing input
Order.commands.place()
// @ts-expect-error: no such command
Order.commands.lose()
// @ts-expect-error: an aggregate without commands has none
Note.commands.write()

const store = createStore({
  connection: process.env['DATABASE_URL'],
  modules: { events: events({ order: OrderEvents, note: NoteEvents }), aggregates: aggregates() },
})
const eventsAlone = createStore({ connection: process.env['DATABASE_URL'], modules: { events: events({}) } })
// @ts-expect-error: aggregates are there only with their module
void eventsAlone.aggregates
// @ts-expect-error: nor in its sessions
void eventsAlone.session().aggregates

const its = store.aggregates

// States are readonly, however deep.
const loaded = await its.load(Order, 'o')
expectTypeOf(loaded).toEqualTypeOf<Loaded<OrderState>>()
expectTypeOf(loaded.state.items[0]?.tags).toEqualTypeOf<readonly string[] | undefined>()
// @ts-expect-error: a state is not changed in place
loaded.state.total = 1
// @ts-expect-error: however deep
loaded.state.items[0]?.tags.push('a')
// @ts-expect-error: nor is the version
loaded.version = 1
expectTypeOf<DeepReadonly<Map<string, { a: number[] }>>>().toEqualTypeOf<
  ReadonlyMap<string, { readonly a: readonly number[] }>
>()
expectTypeOf<DeepReadonly<{ at: Date; of: Set<number[]>; maybe?: [1, { b: 2 }] }>>().toEqualTypeOf<{
  readonly at: Date
  readonly of: ReadonlySet<readonly number[]>
  readonly maybe?: readonly [1, { readonly b: 2 }]
}>()
// @ts-expect-error: an id is text
void its.load(Order, 7)
// @ts-expect-error: a definition is no name
void its.load('order', 'o')

void its.loadAt(Order, 'o', { version: 3 })
void its.loadAt(Order, 'o', { time: new Date() })
// @ts-expect-error: a time is a Date
void its.loadAt(Order, 'o', { time: '2024-01-01' })
// @ts-expect-error: no moment
void its.loadAt(Order, 'o', {})

// Decisions.
const executed = await its.execute(Order, 'o', Order.commands.ship({ carrier: 'dhl' }), {
  attempts: 3,
  signal: undefined,
})
expectTypeOf(executed).toEqualTypeOf<Executed<OrderState, (typeof OrderEvents)['schemas']>>()
expectTypeOf(executed.attempts).toEqualTypeOf<number>()
expectTypeOf(executed.position).toEqualTypeOf<number | undefined>()
for (const event of executed.events) {
  if (event.type === 'OrderPlaced') expectTypeOf(event.data).toEqualTypeOf<{ total: number; currency: string }>()
}
for (const change of ['execute', 'create', 'update'] as const) {
  void its[change](Order, 'o', Order.commands.place('5'))
  void its[change](Order, 'o', Order.commands.shipLater('dhl'))
  void its[change](Order, 'o', async (order, { id, version, exists }) => {
    expectTypeOf(order).toEqualTypeOf<DeepReadonly<OrderState>>()
    expectTypeOf({ id, version, exists }).toEqualTypeOf<{ id: string; version: number; exists: boolean }>()
    return Promise.resolve([])
  })
  // @ts-expect-error: a decision gives events of the family
  void its[change](Order, 'o', () => [{ type: 'Noted', data: { text: '' } }])
  // @ts-expect-error: and what the schema takes, not what it gives
  void its[change](Order, 'o', () => [{ type: 'OrderPlaced', data: { total: 5 } }])
  // @ts-expect-error: a decision gives a list
  void its[change](Order, 'o', () => undefined)
  // @ts-expect-error: a command of another aggregate
  void its[change](Note, 'n', Order.commands.cancel())
  // @ts-expect-error: the versions are the library's to compare
  void its[change](Order, 'o', () => [], { expected: 3 })
  // @ts-expect-error: a key and a repeated decision do not go together
  void its[change](Order, 'o', () => [], { idempotencyKey: 'k' })
  void its[change](Order, 'o', (order) => {
    // @ts-expect-error: a decision changes nothing
    order.total = 1
    return []
  })
}

// Commits.
const committed = await its.commit(Order, loaded, [{ type: 'OrderShipped', data: { carrier: 'dhl' } }], {
  headers: { user: 'ada' } satisfies JsonObject,
  idempotencyKey: 'k',
})
expectTypeOf(committed).toEqualTypeOf<Committed<OrderState, (typeof OrderEvents)['schemas']>>()
void its.commit(Order, executed, [])
// @ts-expect-error: loaded as another aggregate
void its.commit(Note, loaded, [])
// @ts-expect-error: events of another family
void its.commit(Order, loaded, [{ type: 'Noted', data: { text: '' } }])
// @ts-expect-error: what was loaded tells what is expected
void its.commit(Order, loaded, [], { expected: 1 })
// @ts-expect-error: nobody has loaded this
void its.commit(Order, { id: 'o', state: initial() }, [])

// In a transaction there is a load that holds, and no signal.
void store.transaction(async (tx) => {
  expectTypeOf(await tx.aggregates.loadForUpdate(Order, 'o')).toEqualTypeOf<Loaded<OrderState>>()
  expectTypeOf((await tx.aggregates.execute(Order, 'o', () => [])).attempts).toEqualTypeOf<number>()
  // @ts-expect-error: a transaction ends as a whole
  await tx.aggregates.execute(Order, 'o', () => [], { signal: new AbortController().signal })
  // @ts-expect-error: snapshots in bulk are taken on the store
  void tx.aggregates.snapshots
})
// @ts-expect-error: nothing holds a lock outside a transaction
void store.aggregates.loadForUpdate(Order, 'o')

// A session stages.
const session = store.session()
expectTypeOf(session.aggregates.load(Order, 'o')).resolves.toEqualTypeOf<Loaded<OrderState>>()
const staged = await session.aggregates.execute(Order, 'o', Order.commands.cancel())
expectTypeOf(staged).toEqualTypeOf<Loaded<OrderState>>()
void session.aggregates.commit(Order, staged, [{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
// @ts-expect-error: loaded as another aggregate
void session.aggregates.commit(Note, staged, [])
// @ts-expect-error: a conflict shows when the session is saved
void session.aggregates.execute(Order, 'o', () => [], { attempts: 3 })
// @ts-expect-error: a session stages what is there, whether it is or not
void session.aggregates.create
expectTypeOf(session.saveChanges()).resolves.toEqualTypeOf<{
  readonly events: readonly AppendResult[]
  readonly aggregates: readonly SnapshotTaken[]
}>()
