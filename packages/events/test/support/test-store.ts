import {
  createStore,
  singleTenant,
  typed,
  type Context,
  type Json,
  type Module,
  type PoolLike,
  type SingleStore,
} from '@rillflow/core'
import { sync } from '@rillflow/schema'
import type { Pool } from 'pg'
import { defineEvents, events, type EventsOptions, type EventsShape } from '../../src/index.js'
import { CountingPool } from './counting-pool.js'

const CounterEvents = defineEvents('counter', { Added: typed<{ n: number }>(), Removed: typed<{ n: number }>() })
const NoteEvents = defineEvents('note', { Noted: typed<Json>() })

/** What the stores of tests know. */
export const families = { counter: CounterEvents, note: NoteEvents }

/** The modules of such a store. */
export type TestModules = { readonly events: Module<EventsShape<typeof families>> }
/** A store of the test families. */
export type TestStore = SingleStore<TestModules>

/** How a test's store differs from the usual one. */
export interface TestStoreOptions extends EventsOptions {
  readonly context?: Context | undefined
}

/** A store of the test families on a pool of the test's own; it wakes nobody, so that statements can be counted. */
export function storeOn(pool: PoolLike, schema: string, options: TestStoreOptions = {}): TestStore {
  const { context, ...rest } = options
  return createStore({
    connection: { pool },
    tenancy: singleTenant({ schema }),
    modules: { events: events(families, { wakeUps: false, ...rest }) },
    context,
  })
}

let made = 0

/** A new schema with the tables of events, and a store on it; nothing of another test is in sight. */
export async function newStore(pool: Pool): Promise<{ store: TestStore; schema: string }> {
  made += 1
  const schema = `events_${made}`
  // A store listens to its pool until it is closed; those of many tests would be told of as a leak.
  const store = storeOn({ connect: () => pool.connect() }, schema)
  await sync(store)
  return { store, schema }
}

/** The same over a pool that remembers what is sent. */
export async function newCountedStore(pool: Pool): Promise<{ store: TestStore; schema: string; pool: CountingPool }> {
  const { schema } = await newStore(pool)
  const counting = new CountingPool(pool)
  return { store: storeOn(counting, schema), schema, pool: counting }
}

type NewTestEvent = Parameters<TestStore['events']['append']>[1][number]

/** So many events with the data `{ n: first }`, `{ n: first + 1 }` … */
export function added(count: number, first = 1): NewTestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'Added', data: { n: first + index } }))
}

/** Everything that the feed has. */
export async function eventsOf(store: TestStore): Promise<readonly object[]> {
  return store.events.readAll().toArray()
}

let begun = 0

/** A new stream with so many events; its id alone when there are none. */
export async function newStream(store: TestStore, count: number): Promise<string> {
  begun += 1
  const streamId = `s-${begun}`
  if (count > 0) await store.events.append(streamId, added(count))
  return streamId
}

/** The versions of a stream that the feed has. */
export async function versionsOf(store: TestStore, streamId: string): Promise<readonly number[]> {
  const found = await store.events.readAll({ filter: { streamIds: [streamId] } }).toArray()
  return found.map((event) => event.version)
}
