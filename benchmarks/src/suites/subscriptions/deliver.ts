import { defineSuite, type Contender } from '../../harness/suite.js'
import { numberOf } from '../../stores/events/feed.js'
import { feedShape, type FeedShape } from '../../stores/events/order-feed.js'
import { deliverEmmett } from './deliver-emmett.js'
import { deliverRillflow, readRillflow } from './deliver-rillflow.js'

const CASES = [{ name: '100,000 events' }]

/** Hands the feed from its beginning to `handle`, until `signal` is aborted or nothing comes any more. */
export interface Deliverer {
  deliver(handle: (data: unknown) => void, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Opens a store on an empty database, tables made, the feed in it. */
export type OpenDeliverer = (url: string, shape: FeedShape) => Promise<Deliverer>

/** Events that a handler gets which does nothing, with their acknowledgement. */
export const subscriptionsDeliver = defineSuite({
  name: 'subscriptions-deliver',
  about: 'projections',
  title: 'Deliver the feed to a subscription',
  unit: 'events/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: delivering(deliverRillflow),
    'rillflow, readAll': delivering(readRillflow),
    emmett: delivering(deliverEmmett),
    'emmett, batches of 1,000': delivering((url, shape) =>
      deliverEmmett(url, shape, { batchSize: 1_000, pullingFrequencyInMs: 1 }),
    ),
  },
  targets: [],
})

/** A round is the whole feed under a name of its own, or as much of it as the time allows. */
function delivering(open: OpenDeliverer): Contender<object> {
  return async ({ url, scaled }) => {
    const shape = feedShape(scaled)
    const store = await open(url, shape)
    return {
      round: async (_, seconds) => {
        const times = new Uint8Array(shape.events + 1)
        let count = 0
        const done = new AbortController()
        const late = AbortSignal.timeout(Math.ceil(seconds * 1_000))
        const start = performance.now()
        await store.deliver(
          (data) => {
            times[numberOf(data)] = (times[numberOf(data)] ?? 0) + 1
            count += 1
            if (count === shape.events) done.abort()
          },
          AbortSignal.any([done.signal, late]),
        )
        const elapsed = (performance.now() - start) / 1_000
        return { value: count / elapsed, note: faultsOf(times.subarray(1), done.signal.aborted || !late.aborted) }
      },
      close: () => store.close(),
    }
  }
}

function faultsOf(times: Uint8Array, isWhole: boolean): string | undefined {
  const lost = times.filter((each) => each === 0).length
  const doubled = times.filter((each) => each > 1).length
  const faults = [
    isWhole && lost > 0 && `${lost} of ${times.length} never came`,
    doubled > 0 && `${doubled} came twice`,
  ]
  return faults.filter(Boolean).join(', ') || undefined
}
