import { createStore, typed } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import type { Pool } from 'pg'
import type { EventStore } from './event-store.js'
import { countRows, POOL_SIZE } from '../pool.js'
import type { OrderData } from './order-events.js'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<OrderData>() })

/** How the store under test is made; the rest is as it comes. */
export interface RillflowOptions {
  readonly wakeUps?: boolean | undefined
  readonly pool?: Pool | undefined
}

/** A Rillflow store of orders on an empty or a seeded database, tables made; payloads are not validated, as by no peer. */
export async function openRillflowStore(url: string, options: RillflowOptions = {}) {
  const { pool, ...rest } = options
  const store = createStore({
    connection: pool ? { pool } : { url, maxConnections: POOL_SIZE },
    modules: { events: events({ order: OrderEvents }, rest) },
  })
  await sync(store)
  return store
}

/** Rillflow, its streams read as a fold needs them: type, data and version, without the rest of the envelope. */
export async function rillflowBare(url: string): Promise<EventStore> {
  const store = await openRillflowStore(url)
  return {
    ...eventStore(url, store),
    load: async (stream) => (await store.events.readStream(stream, { metadata: false }).toArray()).length,
  }
}

/** Rillflow: `append` and `readStream`. */
export async function rillflow(url: string, options: RillflowOptions = {}): Promise<EventStore> {
  return eventStore(url, await openRillflowStore(url, options))
}

function eventStore(url: string, store: Awaited<ReturnType<typeof openRillflowStore>>): EventStore {
  return {
    append: (stream, version, list) => store.events.append(stream, list, { expected: version }),
    load: async (stream) => (await store.events.readStream(stream).toArray()).length,
    count: () => countRows(url, 'rillflow.events'),
    close: () => store.close(),
  }
}
