import { createStore, typed } from '@rillflow/core'
import { defineCollection, documents } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'
import { defineProjection, projections } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import type { EventStore } from '../../stores/events/event-store.js'
import type { OrderData } from '../../stores/events/order-events.js'
import { RILLFLOW_FEED, seedFeed, type FeedShape } from '../../stores/events/order-feed.js'
import { countRows, POOL_SIZE, runOnce } from '../../stores/pool.js'
import { BY_CUSTOMER, BY_STREAM, type ProjectedTables } from './check-documents.js'
import { withEvent, type OrderSummary, type SummaryBy } from './order-summary.js'
import type { ProjectionStore } from './projection-store.js'

const OrderEvents = defineEvents('order', { OrderPlaced: typed<OrderData>() })
const NAMES = { order: 'by-order', customer: 'by-customer' } as const
const ByOrder = defineCollection(NAMES.order, { schema: typed<OrderSummary>() })
const ByCustomer = defineCollection(NAMES.customer, { schema: typed<OrderSummary>() })

function orderSummaries(mode: 'inline' | 'async') {
  return defineProjection(NAMES.order, {
    version: 1,
    mode,
    from: [OrderEvents],
    to: ByOrder,
    on: { OrderPlaced: (doc, event) => withEvent(doc, event.streamId, event) },
  })
}

const CustomerSummaries = defineProjection(NAMES.customer, {
  version: 1,
  from: [OrderEvents],
  to: ByCustomer,
  key: ({ data }) => data.customerId,
  on: { OrderPlaced: (doc, event, customer) => withEvent(doc, customer, event) },
})

function tables(by: SummaryBy): ProjectedTables {
  return {
    events: 'select position, stream_id, data from rillflow.events',
    documents: `select id, doc from rillflow.docs where collection = '${NAMES[by]}'`,
    key: by === 'order' ? BY_STREAM : BY_CUSTOMER,
  }
}

/** What an inline projection of orders has made. */
export const rillflowInlineTables = tables('order')

function openStore(url: string, list: Parameters<typeof projections>[0]) {
  return createStore({
    connection: { url, maxConnections: POOL_SIZE },
    modules: {
      events: events({ order: OrderEvents }),
      docs: documents({ byOrder: ByOrder, byCustomer: ByCustomer }),
      projections: projections(list),
    },
  })
}

/** Rillflow's workers, as they come: folds of up to a thousand events. */
export async function rillflowProjections(url: string, shape: FeedShape): Promise<ProjectionStore> {
  const store = openStore(url, [orderSummaries('async'), CustomerSummaries])
  await sync(store)
  await seedFeed(url, shape, RILLFLOW_FEED)
  const catchUp = async (by: SummaryBy, signal?: AbortSignal): Promise<void> => {
    await store.projections.runUntilIdle({ only: [NAMES[by]], signal })
  }
  return {
    forget: async (by) => {
      await runOnce(url, 'truncate rillflow.docs')
      await runOnce(url, `delete from rillflow.consumers where name = '${NAMES[by]}'`)
    },
    spoil: async (by) => {
      await catchUp(by)
      await runOnce(url, `update rillflow.docs set doc = doc || '{"orders": 0}' where collection = '${NAMES[by]}'`)
      await runOnce(url, 'vacuum analyze rillflow.docs')
    },
    catchUp,
    // Nobody sees half of it.
    rebuild: (by) => store.projections.rebuild(NAMES[by]),
    tables,
    close: () => store.close(),
  }
}

/** Rillflow's append with one inline projection, to a document for each stream. */
export async function rillflowInline(url: string): Promise<EventStore> {
  const store = openStore(url, [orderSummaries('inline')])
  await sync(store)
  return {
    append: (stream, version, list) => store.events.append(stream, list, { expected: version }),
    load: async (stream) => (await store.events.readStream(stream).toArray()).length,
    count: () => countRows(url, 'rillflow.events'),
    close: () => store.close(),
  }
}
