import { createStore, singleTenant, typed } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'

/**
 * The store of the reliability tests, as `../open-store.ts` makes it, on a pool of its own; with `pooled` as it must be
 * behind a pooler.
 */
export function openStore({ url, schema, connections, pooled = false }) {
  return createStore({
    connection: { url, maxConnections: connections, prepare: !pooled },
    tenancy: singleTenant({ schema }),
    modules: {
      docs: documents({ notes: defineCollection('notes', { schema: typed() }) }),
      events: events(
        { order: defineEvents('order', { Placed: typed(), Changed: typed(), Closed: typed() }) },
        { wakeUps: !pooled },
      ),
    },
  })
}
