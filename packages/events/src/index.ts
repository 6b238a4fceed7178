export type { AppendHook } from './append/append-hooks.js'
export type { SettledEvent } from './append/settled-event.js'
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
  type BareEventOf,
  type StoredEventOf,
} from './definitions/define-events.js'
export type { NewerVersions, UnknownTypes } from './definitions/event-registry.js'

export {
  AbortedError,
  IdempotencyMismatchError,
  ImportNotProjectedError,
  LimitExceededError,
  OverloadedError,
  SequenceBehindError,
  StreamArchivedError,
  StreamTombstonedError,
  UnknownEventTypeError,
  UnsafeIsolationError,
} from './errors.js'
export type { BareEvent, NewEvent, StoredEvent } from './event.js'
export type { EventReads, EventsShape, EventStore, StagedEventStore, TransactionEventStore } from './event-store.js'
export { events } from './events.js'
export { eventsModule, type EventsService } from './events-service.js'
export type { EventsOptions } from './events-options.js'

export type { Blocker } from './head/blockers.js'

export type { StreamProblem } from './maintenance/verify-streams.js'

export type { EventFilter } from './read/event-filter.js'
export { bareColumns, type BareRow } from './read/bare-row.js'
export type { EventReader } from './read/event-reader.js'
export type { Feed, FeedOptions, FeedPage, FeedPartition, FeedRange, UnreadableEvent } from './read/feed.js'
export { partitionOf, type IndexedColumn } from './read/read-all-statement.js'
export type { Direction, Presence, ReadAllOptions, ReadStreamOptions } from './read/read-options.js'

export type { StagedAppend } from './session/staged-appends.js'

export type { AbortableAppend, AppendBuilder, SendableAppend, StageableAppend } from './streams/append-builder.js'
export type { CloseStreamOptions } from './streams/close-stream.js'
export type { ListStreamsOptions, StreamChoice, StreamList } from './streams/list-streams.js'
export type { ResolveAliasOptions } from './streams/stream-aliases.js'
export type { StreamInfo } from './streams/stream-info.js'
export { StreamNotFoundError } from './streams/stream-not-found-error.js'
export type { StreamOperations } from './streams/stream-operations.js'

export type { ExportOptions } from './transfer/export/export-events.js'
export { MalformedExportError } from './transfer/export/malformed-export-error.js'
export { parseExport, type ExportedEvent } from './transfer/export/parse-export.js'
export type { TextSource } from './transfer/export/split-lines.js'
export type { ImportedPlace, ImportEvent, ImportEventOf, ImportSource } from './transfer/import/import-event.js'
export { ImportFailedError } from './transfer/import/import-failed-error.js'
export type {
  ImportOptions,
  ImportProgress,
  ImportResult,
  UntypedImportOptions,
} from './transfer/import/import-options.js'
export type { TransferOperations } from './transfer/transfer-operations.js'

export { EventTooNewError, UpcastFailedError, type EventPlace } from './upcasting/upcast-errors.js'
export type { UpcasterCatalog } from './upcasting/upcaster-catalog.js'
export { upcaster, type EventVersion, type Upcaster, type UpcasterDefinition } from './upcasting/upcaster.js'
