import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import type { EventStore } from './event-store.js'
import { countRows } from '../pool.js'
import type { OrderEvent } from './order-events.js'

/** What is used of `@event-driven-io/emmett-postgresql`. */
export interface Emmett {
  getPostgreSQLEventStore(url: string): EmmettStore
}

interface EmmettStore {
  readonly schema: { migrate(): Promise<unknown> }
  appendToStream(stream: string, events: readonly OrderEvent[], options: EmmettAppendOptions): Promise<unknown>
  readStream(stream: string): Promise<{ readonly events: readonly unknown[] }>
  consumer(): EmmettConsumer
  close(): Promise<void>
}

interface EmmettAppendOptions {
  readonly expectedStreamVersion: bigint
}

/** Its consumer: one reader of the whole feed. */
export interface EmmettConsumer {
  reactor(options: {
    readonly processorId: string
    readonly startFrom: 'BEGINNING' | 'END'
    readonly eachMessage: (message: { readonly data: unknown }) => void
  }): unknown
  start(): Promise<void>
  stop(): Promise<void>
}

/** Loads the peer and opens it as its own documentation does: by URL, with its own pool. */
export async function openEmmettStore(url: string): Promise<EmmettStore> {
  const peer = await loadPeer<Emmett>(peers.emmett, '@event-driven-io/emmett-postgresql')
  const store = peer.getPostgreSQLEventStore(url)
  await store.schema.migrate()
  return store
}

/** emmett-postgresql: `appendToStream` and `readStream`. */
export async function emmett(url: string): Promise<EventStore> {
  const store = await openEmmettStore(url)
  return {
    append: (stream, version, events) =>
      store.appendToStream(stream, events, { expectedStreamVersion: BigInt(version) }),
    load: async (stream) => (await store.readStream(stream)).events.length,
    count: () => countRows(url, 'emt_messages'),
    close: () => store.close(),
  }
}
