import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import type { EventStore } from '../../stores/events/event-store.js'
import type { OrderData, OrderEvent } from '../../stores/events/order-events.js'
import { EMMETT_FEED, seedFeed, type FeedShape } from '../../stores/events/order-feed.js'
import { countRows, runOnce } from '../../stores/pool.js'
import { noOrders, withOrder, type OrderTotals } from '../aggregates/order-fold.js'
import { BY_CUSTOMER, BY_STREAM, type ProjectedTables } from './check-documents.js'
import type { SummaryBy } from './order-summary.js'
import type { ProjectionStore } from './projection-store.js'

/** What is used of `@event-driven-io/emmett-postgresql`. */
interface EmmettPostgres {
  getPostgreSQLEventStore(
    url: string,
    options?: { readonly projections: readonly { readonly type: 'inline'; readonly projection: object }[] },
  ): EmmettStore
  pongoMultiStreamProjection(options: {
    readonly collectionName: string
    readonly canHandle: readonly string[]
    readonly getDocumentId: (event: EmmettEvent) => string
    readonly initialState: () => OrderTotals
    readonly evolve: (document: OrderTotals, event: EmmettEvent) => OrderTotals
  }): object
  rebuildPostgreSQLProjections(options: {
    readonly connectionString: string
    readonly pulling: EmmettPulling | undefined
    readonly projections: readonly EmmettProjector[]
  }): EmmettConsumer
}

interface EmmettStore {
  readonly schema: { migrate(): Promise<unknown> }
  appendToStream(
    stream: string,
    events: readonly OrderEvent[],
    options: { readonly expectedStreamVersion: bigint },
  ): Promise<unknown>
  readStream(stream: string): Promise<{ readonly events: readonly unknown[] }>
  consumer(options: { readonly pulling: EmmettPulling | undefined }): EmmettConsumer
  close(): Promise<void>
}

interface EmmettConsumer {
  projector(options: EmmettProjector): unknown
  start(): Promise<void>
  close(): Promise<void>
}

interface EmmettProjector {
  readonly projection: object
  readonly processorId: string
  readonly startFrom?: 'BEGINNING' | undefined
  readonly stopAfter: (message: EmmettEvent) => boolean
}

interface EmmettEvent {
  readonly data: OrderData
  readonly metadata: { readonly streamName: string; readonly globalPosition: bigint }
}

/** How its consumer pulls; its own settings unless told. */
export interface EmmettPulling {
  readonly batchSize: number
  readonly pullingFrequencyInMs: number
}

const KEYS = {
  order: ({ metadata }: EmmettEvent): string => metadata.streamName,
  customer: ({ data }: EmmettEvent): string => data.customerId,
}

/** emmett's consumer with a projector to a Pongo collection, which is a new one after each `forget`. */
export async function emmettProjections(
  url: string,
  shape: FeedShape,
  pulling?: EmmettPulling,
): Promise<ProjectionStore> {
  const peer = await loadPeer<EmmettPostgres>(peers.emmett, '@event-driven-io/emmett-postgresql')
  const store = peer.getPostgreSQLEventStore(url)
  await store.schema.migrate()
  await seedFeed(url, shape, EMMETT_FEED)
  const last = BigInt(shape.events)
  let count = 0
  const collection = (by: SummaryBy): string => `by_${by}_${count}`
  const projector = (by: SummaryBy, signal: AbortSignal): EmmettProjector => ({
    projection: summaries(peer, collection(by), KEYS[by]),
    processorId: collection(by),
    // Otherwise it would look once more whether there is anything to do, and rest before that.
    stopAfter: ({ metadata }) => signal.aborted || metadata.globalPosition >= last,
  })
  return {
    forget: async (by) => {
      await runOnce(url, `drop table if exists ${collection(by)}`)
      count += 1
    },
    spoil: async (by) => {
      const [table] = await runOnce<{ made: boolean }>(
        url,
        `select to_regclass('${collection(by)}') is not null as made`,
      )
      if (table?.made) await runOnce(url, `update ${collection(by)} set data = data || '{"orders": 0}'`)
    },
    catchUp: async (by, signal) => {
      const consumer = store.consumer({ pulling })
      consumer.projector(projector(by, signal))
      await consumer.start()
    },
    rebuild: async (by, signal) => {
      // Unless told it goes on from its checkpoint, and what it has emptied stays empty.
      const projections = [{ ...projector(by, signal), startFrom: 'BEGINNING' as const }]
      const consumer = peer.rebuildPostgreSQLProjections({ connectionString: url, pulling, projections })
      await consumer.start()
      await consumer.close()
    },
    tables: (by) => tables(collection(by), by),
    close: () => store.close(),
  }
}

const INLINE = 'orders'
/** What an inline projection of orders has made. */
export const emmettInlineTables = tables(INLINE, 'order')

/** emmett's append with one inline projection, to a Pongo document for each stream. */
export async function emmettInline(url: string): Promise<EventStore> {
  const peer = await loadPeer<EmmettPostgres>(peers.emmett, '@event-driven-io/emmett-postgresql')
  const projection = summaries(peer, INLINE, KEYS.order)
  const store = peer.getPostgreSQLEventStore(url, { projections: [{ type: 'inline', projection }] })
  await store.schema.migrate()
  return {
    append: (stream, version, events) =>
      store.appendToStream(stream, events, { expectedStreamVersion: BigInt(version) }),
    load: async (stream) => (await store.readStream(stream)).events.length,
    count: () => countRows(url, 'emt_messages'),
    close: () => store.close(),
  }
}

function summaries(peer: EmmettPostgres, collectionName: string, getDocumentId: (event: EmmettEvent) => string) {
  return peer.pongoMultiStreamProjection({
    collectionName,
    canHandle: ['OrderPlaced'],
    getDocumentId,
    initialState: noOrders,
    evolve: withOrder,
  })
}

function tables(collection: string, by: SummaryBy): ProjectedTables {
  return {
    events: 'select global_position as position, stream_id, message_data as data from emt_messages',
    documents: `select _id as id, data as doc from ${collection}`,
    key: by === 'order' ? BY_STREAM : BY_CUSTOMER,
  }
}
