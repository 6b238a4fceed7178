// For packages whose consumers keep their checkpoints in the same tables, as @rillflow/projections has them.
export { consumersComponent } from './consumers-component.js'
export { advanceCheckpoint } from './consumers/checkpoint.js'
export {
  checkName,
  checkWhole,
  describeConsumer,
  type ConsumerKey,
  type ConsumerKind,
} from './consumers/consumer-key.js'
export { listConsumers, statusOfConsumer } from './consumers/consumer-status.js'
export { pauseConsumer, removeConsumer, resetConsumer, resumeConsumer } from './consumers/control.js'
export { createConsumer, type NewConsumer } from './consumers/create-consumer.js'
export { deadLettersOf } from './consumers/dead-letters.js'
export { recordFailure, skipPast, stopConsumer, writeLetters, type Letter } from './consumers/failures.js'
export { isTransient } from './consumers/is-transient.js'
export type { Lease } from './consumers/lease.js'
export { failLetterAgain, readAside, settleLetter, type RequeuedLetter } from './consumers/letters.js'
export { putBackLetters, type PutAside } from './consumers/put-back-letters.js'
export { pauseAfter, resolveRetry, type ResolvedRetry } from './consumers/retry-policy.js'
export { leaseTimes, runConsumer } from './consumers/run-consumer.js'
export { Runs } from './consumers/runs.js'
export { isStart } from './definition/define-subscription.js'
export { PageSource } from './delivery/page-source.js'

export type { ConsumerState, ConsumerStatus, PartitionStatus } from './consumers/consumer-status.js'
export type { DeadLetter, DeadLetters, ListLettersOptions } from './consumers/dead-letters.js'
export type { ErrorRecord } from './consumers/error-record.js'
export type { FailurePolicy } from './consumers/failures.js'
export type { RetryPolicy } from './consumers/retry-policy.js'
export type { LeaseTimes } from './consumers/run-consumer.js'

export {
  defineSubscription,
  type StartFrom,
  type StreamFilter,
  type Subscription,
  type SubscriptionOptions,
} from './definition/define-subscription.js'

export type { Delivery } from './delivery/delivery.js'
export type { AckMode, ManualDelivery } from './delivery/iterate.js'
export type { RunOptions } from './delivery/run-subscription.js'

export { ConsumerNotFoundError, ConsumerStoppedError, HandlerTimeoutError, LeaseLostError } from './errors.js'

export { eventStream, type EventStreamOptions } from './reading/event-stream.js'

export type {
  CreateOptions,
  GroupOptions,
  OpenOptions,
  SubscriptionLike,
  SubscriptionsShape,
  SubscriptionStore,
  TailOptions,
  TransactionSubscriptions,
} from './subscription-store.js'
export { subscriptions } from './subscriptions.js'
