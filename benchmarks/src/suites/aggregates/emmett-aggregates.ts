import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import { orderEvents, type OrderEvent } from '../../stores/events/order-events.js'
import { countRows } from '../../stores/pool.js'
import { FILLED_AT_ONCE, type AggregateStore } from './aggregate-store.js'
import { noOrders, withOrder, type OrderTotals } from './order-fold.js'

/** What is used of `@event-driven-io/emmett-postgresql`. */
interface EmmettPostgres {
  readonly getPostgreSQLEventStore: (url: string) => EmmettStore
}

interface EmmettStore {
  readonly schema: { migrate(): Promise<unknown> }
  appendToStream(
    stream: string,
    events: readonly OrderEvent[],
    options: { readonly expectedStreamVersion: bigint },
  ): Promise<unknown>
  aggregateStream(stream: string, fold: EmmettFold): Promise<{ readonly state: OrderTotals }>
  close(): Promise<void>
}

interface EmmettFold {
  readonly initialState: () => OrderTotals
  readonly evolve: (state: OrderTotals, event: OrderEvent) => OrderTotals
}

/** What is used of `@event-driven-io/emmett`. */
interface EmmettCore {
  readonly CommandHandler: (options: EmmettFold & EmmettOptions) => EmmettHandler
  readonly isExpectedVersionConflictError: (error: unknown) => boolean
}

type EmmettHandler = (
  store: EmmettStore,
  stream: string,
  handle: (state: OrderTotals) => readonly OrderEvent[],
) => Promise<unknown>

/** How its command handler is made; unless told it does not retry, which is its default. */
export interface EmmettOptions {
  readonly retry?: { readonly onVersionConflict: true } | undefined
}

/** emmett: `aggregateStream` of emmett-postgresql and `CommandHandler`, opened as its own documentation does. */
export async function emmettAggregates(url: string, { retry }: EmmettOptions = {}): Promise<AggregateStore> {
  const { getPostgreSQLEventStore } = await loadPeer<EmmettPostgres>(peers.emmett, '@event-driven-io/emmett-postgresql')
  const { CommandHandler, isExpectedVersionConflictError } = await loadPeer<EmmettCore>(
    peers.emmett,
    '@event-driven-io/emmett',
  )
  const store = getPostgreSQLEventStore(url)
  await store.schema.migrate()
  const fold = { initialState: noOrders, evolve: withOrder }
  const handle = CommandHandler({ ...fold, retry })
  return {
    fill: async (stream, length) => {
      for (let version = 0; version < length; version += FILLED_AT_ONCE) {
        const missing = orderEvents(Math.min(FILLED_AT_ONCE, length - version))
        await store.appendToStream(stream, missing, { expectedStreamVersion: BigInt(version) })
      }
    },
    load: async (stream) => (await store.aggregateStream(stream, fold)).state,
    execute: (stream) => handle(store, stream, () => orderEvents(1)),
    isConflict: isExpectedVersionConflictError,
    count: () => countRows(url, 'emt_messages'),
    close: () => store.close(),
  }
}
