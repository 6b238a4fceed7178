export { consumersComponent } from './consumers-component.js'

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
