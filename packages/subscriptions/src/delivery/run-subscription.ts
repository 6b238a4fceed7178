import { InvalidArgumentError, traced, type Logger, type Scope } from '@rillflow/core'
import type { EventFamilies, EventFilter, EventsService, EventStore, FeedPartition } from '@rillflow/events'
import { checkWhole, type ConsumerKey } from '../consumers/consumer-key.js'
import type { FailurePolicy } from '../consumers/failures.js'
import { resolveRetry, type RetryPolicy } from '../consumers/retry-policy.js'
import { leaseTimes, runConsumer, type LeaseTimes } from '../consumers/run-consumer.js'
import { Deliveries, type DeliveryPlan } from './deliveries.js'
import type { Delivery } from './delivery.js'
import { PageSource } from './page-source.js'

/** How a subscription is run by one worker. */
export interface RunOptions {
  /** Each group follows the subscription with a checkpoint of its own. */
  readonly group?: string | undefined
  /**
   * In how many parts the streams are divided, so that as many workers can share them; 1 unless told. Told when the group
   * is run first.
   */
  readonly partitions?: number | undefined
  /**
   * How many events may be unacknowledged at once, in each partition; those of one stream still come one after the other.
   * 1 unless told; from the first run on what is stored counts, which `setMaxInFlight` changes while it runs.
   */
  readonly maxInFlight?: number | undefined
  readonly retry?: RetryPolicy | undefined
  /** What becomes of an event that failed as often as it may; `park` unless told. */
  readonly onFailure?: FailurePolicy | undefined
  /** How long one attempt may take, in milliseconds; 30,000 unless told. */
  readonly timeout?: number | undefined
  /** How long what is in hand may go on when the run ends, in milliseconds; 4,000 unless told. */
  readonly grace?: number | undefined
  /** How many events one statement fetches; 200 unless told. */
  readonly pageSize?: number | undefined
  readonly lease?: { readonly [Time in keyof LeaseTimes]?: LeaseTimes[Time] | undefined } | undefined
  /** Ends the run: no event is begun any more, those in hand are finished, and leases are released. */
  readonly signal?: AbortSignal | undefined
}

/** What a run needs of its store. */
export interface RunParts {
  readonly scope: Scope
  readonly logger: Logger
  readonly events: EventStore<EventFamilies>
  readonly service: EventsService
}

/** What is run. */
export interface SubscriptionRun extends RunParts {
  readonly key: ConsumerKey
  readonly filter: EventFilter | undefined
  readonly options: Omit<RunOptions, 'group' | 'signal'>
  readonly signal: AbortSignal
  readonly inStreamOrder: boolean
  readonly handle: (delivery: Delivery) => Promise<void>
}

type Resolved = Pick<DeliveryPlan, 'retry' | 'onFailure' | 'timeout' | 'grace'> & {
  readonly pageSize: number
  readonly times: LeaseTimes
}

/** Delivers the events of a subscription, under whatever leases the worker gets, until the signal is aborted. */
export async function runSubscription(run: SubscriptionRun): Promise<void> {
  const { scope, logger, key, service, events, signal, inStreamOrder, handle } = run
  const { pageSize, times, ...how } = resolveOptions(run.options, inStreamOrder)
  const keyPrefix = keyPrefixOf(key)
  const waitForHead = (after: number, until: AbortSignal): Promise<number> =>
    events.waitForHead(after, { signal: until })
  await runConsumer({
    scope,
    key,
    logger,
    times,
    signal,
    async work(lease, { ending, ensureLease }) {
      const { partition, partitions, position } = lease.claim
      const share: FeedPartition = { index: partition, count: partitions }
      const feed = service.feed({ filter: run.filter, partition: share })
      const source = new PageSource({ feed, scope, waitForHead, pageSize, after: position })
      const { schema, tenant } = await scope.target()
      const told = (delivery: Delivery): Promise<void> => {
        const { correlationId } = delivery.event
        const context = { operation: lease.consumer, schema, tenant, correlationId, count: 1 }
        return traced(
          'deliver',
          () => context,
          () => handle(delivery),
        )
      }
      const plan = { ...how, lease, source, ensureLease, logger, keyPrefix, inStreamOrder, handle: told }
      await new Deliveries(plan).run(ending)
    },
  })
}

/** Its own for each consumer: a name may hold what stands between name and group. */
function keyPrefixOf({ name, group }: ConsumerKey): string {
  const parts = group === '' ? [name] : [name, group]
  return parts.map((part) => part.replaceAll(/[%/]/g, encodeURIComponent)).join('/')
}

/** @throws InvalidArgument */
function resolveOptions(options: SubscriptionRun['options'], inStreamOrder: boolean): Resolved {
  const { onFailure = 'park', timeout = inStreamOrder ? 30_000 : undefined, grace = 4_000, pageSize = 200 } = options
  if (!['park', 'deadLetter', 'stop'].includes(onFailure)) {
    throw new InvalidArgumentError('onFailure', "onFailure must be 'park', 'deadLetter' or 'stop'.")
  }
  if (timeout !== undefined) checkWhole('timeout', timeout, [1, 86_400_000])
  checkWhole('grace', grace, [0, 3_600_000])
  checkWhole('pageSize', pageSize, [1, 10_000])
  const { duration = leaseTimes.duration, poll = leaseTimes.poll } = options.lease ?? {}
  checkWhole('lease.duration', duration, [100, 3_600_000])
  checkWhole('lease.poll', poll, [1, 3_600_000])
  const times = { duration, poll }
  return { retry: resolveRetry(options.retry), onFailure, timeout, grace, pageSize, times }
}
