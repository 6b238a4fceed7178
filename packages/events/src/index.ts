export type { GroupCommitOptions } from './append/append-queue.js'
export type { AppendResult } from './append/append-result.js'
export type { ExpectedVersion } from './append/expected-version.js'
export type { AppendOptions, StoreAppendOptions } from './append/prepare-append.js'
export {
  defineEvents,
  type EventFamilies,
  type EventFamily,
  type EventSchemas,
  type NewEventOf,
  type StoredEventIn,
  type StoredEventOf,
} from './definitions/define-events.js'
export {
  AbortedError,
  IdempotencyMismatchError,
  LimitExceededError,
  OverloadedError,
  SequenceBehindError,
  StreamArchivedError,
  StreamTombstonedError,
  UnknownEventTypeError,
  UnsafeIsolationError,
} from './errors.js'
export type { NewEvent, StoredEvent } from './event.js'
export {
  events,
  type EventReads,
  type EventsOptions,
  type EventsShape,
  type EventStore,
  type StagedEventStore,
  type TransactionEventStore,
} from './events.js'
export type { Blocker } from './head/blockers.js'
export type { StreamProblem } from './maintenance/verify-streams.js'
export type { EventFilter } from './read/event-filter.js'
export type { IndexedColumn } from './read/read-all-statement.js'
export type { UnknownTypes } from './definitions/event-registry.js'
export type { EventReader } from './read/event-reader.js'
export type { Direction, ReadAllOptions, ReadStreamOptions } from './read/read-options.js'
