import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import { EMMETT_FEED, seedFeed, type FeedShape } from '../../stores/events/order-feed.js'
import type { EmmettPulling } from '../projections/emmett-projections.js'
import type { Deliverer } from './deliver.js'

/** What is used of `@event-driven-io/emmett-postgresql`. */
interface EmmettPostgres {
  getPostgreSQLEventStore(url: string): {
    readonly schema: { migrate(): Promise<unknown> }
    consumer(options: { readonly pulling: EmmettPulling | undefined }): EmmettConsumer
    close(): Promise<void>
  }
}

interface EmmettConsumer {
  reactor(options: {
    readonly processorId: string
    readonly eachMessage: (message: { readonly data: unknown }) => void
    readonly stopAfter: () => boolean
  }): unknown
  start(): Promise<void>
}

/** emmett's consumer with a reactor, each time under another name, which keeps a checkpoint for each message. */
export async function deliverEmmett(url: string, shape: FeedShape, pulling?: EmmettPulling): Promise<Deliverer> {
  const peer = await loadPeer<EmmettPostgres>(peers.emmett, '@event-driven-io/emmett-postgresql')
  const store = peer.getPostgreSQLEventStore(url)
  await store.schema.migrate()
  await seedFeed(url, shape, EMMETT_FEED)
  let rounds = 0
  return {
    deliver: async (handle, signal) => {
      const consumer = store.consumer({ pulling })
      consumer.reactor({
        processorId: `round-${(rounds += 1)}`,
        eachMessage: ({ data }) => handle(data),
        stopAfter: () => signal.aborted,
      })
      await consumer.start()
    },
    close: () => store.close(),
  }
}
