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
import { defineEvents, events, type EventsOptions, type EventsShape } from '../src/index.js'

const CounterEvents = defineEvents('counter', { Added: typed<{ n: number }>(), Removed: typed<{ n: number }>() })
const NoteEvents = defineEvents('note', { Noted: typed<Json>() })

export const families = { counter: CounterEvents, note: NoteEvents }

export type TestModules = { readonly events: Module<EventsShape<typeof families>> }
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

type NewTestEvent = Parameters<TestStore['events']['append']>[1][number]

/** So many events with the data `{ n: first }`, `{ n: first + 1 }` … */
export function added(count: number, first = 1): NewTestEvent[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'Added', data: { n: first + index } }))
}
