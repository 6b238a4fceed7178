import { createStore, singleTenant, typed, type ConnectionOptions, type Module, type SingleStore } from '@rillflow/core'
import { defineCollection, documents, type DocumentsShape } from '@rillflow/documents'
import { defineEvents, events, type EventsShape } from '@rillflow/events'

interface Account {
  readonly id: string
  readonly balance: number
}

interface Register {
  readonly id: string
  readonly value: string
}

const collections = {
  accounts: defineCollection('accounts', { schema: typed<Account>() }),
  registers: defineCollection('registers', { schema: typed<Register>() }),
}
const families = { list: defineEvents('list', { Added: typed<Record<string, never>>() }) }

type Modules = {
  readonly docs: Module<DocumentsShape<typeof collections>>
  readonly events: Module<EventsShape<typeof families>>
}

/** A store of accounts, registers and lists. */
export type HistoryStore = SingleStore<Modules>

/** Opens one; those of a test that share a schema are clients of the same data. */
export function openHistoryStore(
  connection: ConnectionOptions,
  schema: string,
  options: { readonly wakeUps?: boolean | undefined } = {},
): HistoryStore {
  return createStore({
    connection,
    tenancy: singleTenant({ schema }),
    modules: { docs: documents(collections), events: events(families, options) },
  })
}
