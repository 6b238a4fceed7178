import { defineAggregate } from '@rillflow/aggregates'
import { typed } from '@rillflow/core'
import { defineEvents, upcaster, type EventsOptions } from '@rillflow/events'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { newStoreOf, storeOf } from './support/store-of.js'

const database = useDatabase()

// What the code knew when the events were stored, and what it knows now.
const OldEvents = defineEvents('order', {
  OrderCreated: typed<{ total: number }>(),
  ItemAdded: typed<{ price: number }>(),
  Dropped: typed<null>(),
})
const OrderEvents = defineEvents('order', {
  OrderPlaced: typed<{ total: number; currency: string }>(),
  ItemAdded: typed<{ cents: number }>(),
})

interface Order {
  readonly cents: number
  readonly currency: string
  readonly items: number
}

const options = {
  events: OrderEvents,
  initial: (): Order => ({ cents: 0, currency: '', items: 0 }),
  evolve: {
    OrderPlaced: (order: Order, { data }: { readonly data: { total: number; currency: string } }): Order => ({
      ...order,
      cents: data.total * 100,
      currency: data.currency,
    }),
    ItemAdded: (order: Order, { data }: { readonly data: { cents: number } }): Order => ({
      ...order,
      cents: order.cents + data.cents,
      items: order.items + 1,
    }),
  },
}
const Order = defineAggregate('order', options)
const Lenient = defineAggregate('lenient', { ...options, unknownEvents: 'skip' })
const Snapshotted = defineAggregate('kept', { ...options, unknownEvents: 'skip', snapshot: { every: 2, version: 1 } })

const toPlaced = upcaster({
  from: ['OrderCreated', 1],
  to: ['OrderPlaced', 2],
  upcast: (data: { total: number }) => ({ ...data, currency: 'EUR' }),
})
const toCents = upcaster({
  from: ['ItemAdded', 1],
  to: ['ItemAdded', 2],
  upcast: async ({ price }: { price: number }) => Promise.resolve({ cents: price * 100 }),
})

let schema: string

/** Three events of old, one of them dropped since, two of now, and one of newer code. */
beforeAll(async () => {
  const made = await newStoreOf(database.pool, { families: { order: OldEvents } })
  ;({ schema } = made)
  await made.store.events.append('old', [
    { type: 'OrderCreated', data: { total: 5 } },
    { type: 'ItemAdded', data: { price: 2 } },
  ])
  await made.store.events.append('mixed', [
    { type: 'OrderCreated', data: { total: 5 } },
    { type: 'ItemAdded', data: { price: 2 } },
    { type: 'Dropped', data: null },
  ])
  const now = storeNow()
  await now.events.append('mixed', [{ type: 'ItemAdded', data: { cents: 7 } }])
  await now.events.append('newer', [{ type: 'ItemAdded', data: { cents: 1 } }])
  await now.events.append('newer', [{ type: 'ItemAdded', data: { cents: 2 } }])
  await now.events.append('newer', [{ type: 'ItemAdded', data: { cents: 4 } }])
  await database.query(
    `select set_config('rillflow.maintenance', 'on', true);
      update "${schema}".events set schema_version = 3 where stream_id = 'newer' and version = 2`,
  )
})

const storeNow = (how: EventsOptions = {}) =>
  storeOf(database.pool, schema, { families: { order: OrderEvents }, upcasters: [toPlaced, toCents], ...how })

/** The state that reading the stream and folding it by hand gives. */
async function byHand(store: ReturnType<typeof storeNow>, id: string): Promise<Order> {
  let state = options.initial()
  for await (const event of store.events.readStream(id)) {
    if (event.type === 'OrderPlaced') state = options.evolve.OrderPlaced(state, event)
    else if (event.type === 'ItemAdded') state = options.evolve.ItemAdded(state, event)
  }
  return state
}

test('older events are folded in the form that upcasters, async ones too, give them', async () => {
  // A chain whose newest type has a lower version than what is stored is none: only what is dropped is unknown here.
  const store = storeNow()
  const { state, version } = await store.aggregates.load(Order, 'old')
  expect([state, version]).toEqual([{ cents: 700, currency: 'EUR', items: 1 }, 2])
  expect(state).toEqual(await byHand(store, 'old'))
})

test('a type that no family has throws, where reading throws', async () => {
  for (const aggregate of [Order, Lenient, Snapshotted]) {
    await expect(storeNow().aggregates.load(aggregate, 'mixed')).rejects.toMatchObject({
      code: 'UnknownEventType',
      type: 'Dropped',
    })
  }
})

test('a type that reading leaves out is left out of the state, and counted in the version', async () => {
  const store = storeNow({ unknownTypes: 'skip' })
  for (const aggregate of [Order, Lenient, Snapshotted]) {
    const { state, version } = await store.aggregates.load(aggregate, 'mixed')
    expect([state, version]).toEqual([{ cents: 707, currency: 'EUR', items: 2 }, 4])
    expect(state).toEqual(await byHand(store, 'mixed'))
  }
})

test('a type that reading passes on is the policy of the aggregate', async () => {
  const store = storeNow({ unknownTypes: 'pass' })
  await expect(store.aggregates.load(Order, 'mixed')).rejects.toMatchObject({
    code: 'UnknownEventType',
    type: 'Dropped',
    message: expect.stringContaining('version 3') as string,
  })
  const { state, version } = await store.aggregates.load(Lenient, 'mixed')
  expect([state, version]).toEqual([{ cents: 707, currency: 'EUR', items: 2 }, 4])
})

test('what is left out at the end of a stream is counted all the same: the next commit meets no conflict', async () => {
  const store = storeNow({ unknownTypes: 'skip' })
  const old = storeOf(database.pool, schema, { families: { order: OldEvents } })
  await old.events.append('ends', [{ type: 'Dropped', data: null }])
  const { version, attempts, state } = await store.aggregates.execute(Order, 'ends', () => [
    { type: 'ItemAdded', data: { cents: 3 } },
  ])
  expect([version, attempts, state]).toEqual([2, 1, { cents: 3, currency: '', items: 1 }])
  expect((await store.aggregates.load(Order, 'ends')).state).toEqual(state)
})

describe('an event of newer code', () => {
  test('throws unless told', async () => {
    await expect(storeNow().aggregates.load(Order, 'newer')).rejects.toMatchObject({
      code: 'EventTooNew',
      streamId: 'newer',
      version: 2,
    })
  })

  test.each([
    ['skip', { cents: 5, items: 2 }],
    ['pass', { cents: 7, items: 3 }],
  ] as const)('is folded, or not, as reading gives it: %s', async (newerVersions, wanted) => {
    const store = storeNow({ newerVersions })
    const { state, version } = await store.aggregates.load(Order, 'newer')
    expect([state, version]).toEqual([{ ...wanted, currency: '' }, 3])
    expect(state).toEqual(await byHand(store, 'newer'))
  })
})

test('an event of another family of the store is not of the aggregate', async () => {
  const NoteEvents = defineEvents('note', { Noted: typed<{ text: string }>() })
  const { store } = await newStoreOf(database.pool, { families: { order: OrderEvents, note: NoteEvents } })
  await store.events.append('both', [
    { type: 'ItemAdded', data: { cents: 5 } },
    { type: 'Noted', data: { text: 'fragile' } },
    { type: 'ItemAdded', data: { cents: 6 } },
  ])
  await expect(store.aggregates.load(Order, 'both')).rejects.toMatchObject({ code: 'UnknownEventType', type: 'Noted' })
  const { state, version } = await store.aggregates.load(Lenient, 'both')
  expect([state.cents, version]).toEqual([11, 3])
})

test('an upcast event on a page of its own does not cost the pages around it', async () => {
  const { store: old, schema: own } = await newStoreOf(database.pool, { families: { order: OldEvents } })
  await old.events.append('long', [{ type: 'OrderCreated', data: { total: 1 } }])
  const store = storeOf(database.pool, own, { families: { order: OrderEvents }, upcasters: [toPlaced, toCents] })
  const items = (count: number) =>
    Array.from({ length: count }, () => ({ type: 'ItemAdded', data: { cents: 1 } }) as const)
  await store.events.append('long', items(5_000))
  await old.events.append('long', [{ type: 'ItemAdded', data: { price: 1 } }])
  await store.events.append('long', items(5_000))
  const { state, version } = await store.aggregates.load(Order, 'long')
  expect([state, version]).toEqual([{ cents: 10_200, currency: 'EUR', items: 10_001 }, 10_002])
  expect(state).toEqual(await byHand(store, 'long'))
})
