import { createStore, singleTenant, typed } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'

/** The store of the reliability tests, as `../open-store.ts` makes it, on a pool of its own. */
export function openStore({ url, schema, connections }) {
  return createStore({
    connection: { url, maxConnections: connections },
    tenancy: singleTenant({ schema }),
    modules: {
      docs: documents({ notes: defineCollection('notes', { schema: typed() }) }),
      events: events({ order: defineEvents('order', { Placed: typed(), Changed: typed(), Closed: typed() }) }),
    },
  })
}
