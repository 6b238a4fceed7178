import type { EventFilter, StoredEvent } from '@rillflow/events'
import type { ConsumerStatus } from './consumers/consumer-status.js'
import type { DeadLetters } from './consumers/dead-letters.js'
import type { StartFrom, Subscription } from './definition/define-subscription.js'
import type { Delivery } from './delivery/delivery.js'
import type { AckMode, ManualDelivery } from './delivery/iterate.js'
import type { RunOptions } from './delivery/run-subscription.js'

/** A subscription as defined, or the name of one that is stored. */
export type SubscriptionLike<Event extends StoredEvent> = Subscription<Event> | string

/** How a subscription is iterated. */
export interface OpenOptions extends RunOptions {
  /** `auto` unless told. */
  readonly ack?: AckMode | undefined
}

/** What a subscription made by `create` selects, and how it begins. */
export interface CreateOptions extends Pick<RunOptions, 'group' | 'partitions' | 'maxInFlight'> {
  /** Everything unless told. */
  readonly filter?: EventFilter | undefined
  /** `beginning` unless told. */
  readonly startFrom?: StartFrom | undefined
}

/** One group of a subscription; the one without a name unless told. */
export interface GroupOptions {
  readonly group?: string | undefined
}

/** What is followed without a checkpoint. */
export interface TailOptions {
  /** Everything unless told. */
  readonly filter?: EventFilter | readonly EventFilter[] | undefined
  /** Behind which position it begins; behind the last event unless told. */
  readonly after?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The subscriptions of one tenant. */
export interface SubscriptionStore {
  /**
   * Hands events to `handle`, each at least once and those of a stream in their order, until the signal is aborted. An
   * event counts as handled when the promise of its handler resolves, or when a transaction has acknowledged it by
   * `tx.subscriptions.ack`: then its effects in the database are stored exactly once.
   *
   * One worker works on a partition of a group at a time; the others wait to take over.
   *
   * @throws ConsumerStopped when an event failed for good and the policy is `stop`.
   * @throws SchemaMissing before `sync`; InvalidArgument, InvalidState.
   *
   * @example
   * ```ts ignore
   * const stop = new AbortController()
   * process.once('SIGTERM', () => stop.abort())
   * await store.subscriptions.run(Mailer, async ({ event, key }) => mail(event.data, key), { signal: stop.signal })
   * ```
   */
  run<Event extends StoredEvent>(
    subscription: SubscriptionLike<Event>,
    handle: (delivery: Delivery<Event>) => Promise<void> | void,
    options?: RunOptions,
  ): Promise<void>
  /**
   * The same as an iteration: at most `maxInFlight` events are out and not acknowledged. With `ack: 'auto'` an event counts
   * as handled when the next one is asked for.
   */
  open<Event extends StoredEvent>(
    subscription: SubscriptionLike<Event>,
    options?: OpenOptions,
  ): AsyncIterable<ManualDelivery<Event>>
  /** Follows events without a checkpoint, from now on unless told otherwise. */
  tail(options?: TailOptions): AsyncIterable<StoredEvent>
  /** Stores a subscription without running it; true when it was not there. */
  create(subscription: SubscriptionLike<StoredEvent>, options?: CreateOptions): Promise<boolean>
  /** All subscriptions and groups, by name. */
  list(): Promise<readonly ConsumerStatus[]>
  /** The groups of one subscription. */
  groups(name: string): Promise<readonly ConsumerStatus[]>
  /** Where one group stands. @throws ConsumerNotFound */
  status(name: string, options?: GroupOptions): Promise<ConsumerStatus>
  /** Stops a group, wherever it runs; when it returns nothing is acknowledged any more. @throws ConsumerNotFound */
  pause(name: string, options?: GroupOptions): Promise<void>
  /** Lets a group go on that was paused, or stopped at a failure. @throws ConsumerNotFound */
  resume(name: string, options?: GroupOptions): Promise<void>
  /** Sets the checkpoint of a group; its workers go on from there. @throws ConsumerNotFound */
  reset(name: string, to: StartFrom, options?: GroupOptions): Promise<void>
  /** How many events may be unacknowledged at once, in each partition; workers follow within seconds. */
  setMaxInFlight(name: string, value: number, options?: GroupOptions): Promise<void>
  /**
   * Divides the streams of a group anew. All partitions go on from the least of their checkpoints, so that some events
   * come again.
   */
  repartition(name: string, partitions: number, options?: GroupOptions): Promise<void>
  /** Forgets a group with its checkpoint and dead letters. @throws ConsumerNotFound */
  remove(name: string, options?: GroupOptions): Promise<void>
  readonly deadLetters: DeadLetters
}

/** Subscriptions inside one transaction. */
export interface TransactionSubscriptions {
  /**
   * Acknowledges a delivery in this transaction: what it writes is stored exactly when the event counts as handled.
   *
   * @throws LeaseLost when somebody else handles the event by now; the transaction must not commit then, and does not
   * when the error is let through.
   * @throws InvalidState when events before it are not acknowledged yet, or it is acknowledged already.
   * @throws InvalidArgument for what is no delivery, one whose handler has ended, and one of another schema.
   *
   * @example
   * ```ts ignore
   * await store.subscriptions.run(Mailer, (delivery) =>
   *   store.transaction(async (tx) => {
   *     await tx.sql`insert into mails (order_id) values (${delivery.event.streamId})`
   *     await tx.subscriptions.ack(delivery)
   *   }),
   * )
   * ```
   */
  ack(delivery: Delivery): Promise<void>
}

/** What {@link subscriptions} adds to a store. */
export interface SubscriptionsShape {
  readonly store: SubscriptionStore
  readonly transaction: TransactionSubscriptions
  readonly session: undefined
  readonly saved: undefined
}
