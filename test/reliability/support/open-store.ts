import {
  createStore,
  singleTenant,
  typed,
  type Json,
  type Module,
  type PoolLike,
  type SingleStore,
  type Transaction,
} from '@rillflow/core'
import { defineCollection, documents, type DocumentsShape } from '@rillflow/documents'
import { defineEvents, events, type EventsShape } from '@rillflow/events'
import { sync } from '@rillflow/schema'

interface Note {
  readonly id: string
  readonly streams: readonly string[]
}

const collections = { notes: defineCollection('notes', { schema: typed<Note>() }) }
const families = {
  order: defineEvents('order', { Placed: typed<Json>(), Changed: typed<Json>(), Closed: typed<Json>() }),
}

type Modules = {
  readonly docs: Module<DocumentsShape<typeof collections>>
  readonly events: Module<EventsShape<typeof families>>
}

/** The store of the reliability tests; `children/open-store.mjs` makes the same one in a child process. */
export type ReliabilityStore = SingleStore<Modules>

/** One transaction of it. */
export type ReliabilityTransaction = Transaction<Modules>

/** Opens the store of the reliability tests; `attempts` is how often it runs a transaction that the server broke. */
export function openStore(
  connection: { pool: PoolLike } | { url: string },
  schema: string,
  attempts?: number,
): ReliabilityStore {
  return createStore({
    connection,
    retry: { attempts },
    tenancy: singleTenant({ schema }),
    modules: { docs: documents(collections), events: events(families) },
  })
}

/** Makes the tables of the store in a schema of their own. */
export async function makeSchema(url: string, schema: string): Promise<void> {
  const store = openStore({ url }, schema)
  try {
    await sync(store)
  } finally {
    await store.close()
  }
}
