import type { AppendResult } from './append/append-result.js'
import type { AppendOptions, StoreAppendOptions } from './append/prepare-append.js'
import type { BareEventOf, EventFamilies, NewEventOf, StoredEventOf } from './definitions/define-events.js'
import type { Blocker } from './head/blockers.js'
import type { StreamProblem } from './maintenance/verify-streams.js'
import type { EventReader } from './read/event-reader.js'
import type { ReadAllOptions, ReadStreamOptions } from './read/read-options.js'
import type { StagedAppend } from './session/staged-appends.js'
import type { AbortableAppend, SendableAppend, StageableAppend } from './streams/append-builder.js'
import type { StreamOperations } from './streams/stream-operations.js'
import type { TransferOperations } from './transfer/transfer-operations.js'
import type { UpcasterCatalog } from './upcasting/upcaster-catalog.js'

/** What can be done with the events of one tenant, on the store and inside a transaction. */
export interface EventReads<Families extends EventFamilies> extends StreamOperations {
  /** Reads one stream; a stream that does not exist has no events, nor has one that was tombstoned, unless asked for. */
  readStream(
    streamId: string,
    options: ReadStreamOptions & { readonly metadata: false },
  ): EventReader<BareEventOf<Families>>
  readStream(streamId: string, options?: ReadStreamOptions): EventReader<StoredEventOf<Families>>
  /**
   * Reads every stream in the order of positions, up to the safe head as it is when the reading begins. Nothing that
   * commits later can appear behind it.
   */
  readAll(options?: ReadAllOptions<StoredEventOf<Families>['type']>): EventReader<StoredEventOf<Families>>
  /** The safe head: nothing will ever appear at or below it that is not there now. 0 in an empty store. */
  head(): Promise<number>
}

/** The event store of one tenant. */
export interface EventStore<Families extends EventFamilies> extends EventReads<Families>, TransferOperations<Families> {
  /**
   * Appends events to a stream, all or none, in one round trip; those that come together share it.
   *
   * @throws VersionConflict with the actual version, when the stream is not as `expected`.
   * @throws ValidationFailed, UnknownEventType, UnstorableValue, InvalidArgument, LimitExceeded before anything is sent.
   * @throws StreamArchived, StreamTombstoned, IdempotencyMismatch
   * @throws Overloaded when too many appends wait; Aborted when the signal withdrew it; nothing is written then.
   * @throws CommitOutcomeUnknown when the connection was lost and what became of the append could not be found out.
   */
  append(streamId: string, events: readonly NewEventOf<Families>[], options?: StoreAppendOptions): Promise<AppendResult>
  /**
   * Begins an append that is put together step by step and ends with `send`.
   *
   * @example
   * ```ts ignore
   * await store.events.stream('order-1').expected('noStream').push({ type: 'OrderPlaced', data: { total: 9 } }).send()
   * ```
   */
  stream(streamId: string): AbortableAppend<NewEventOf<Families>>
  /**
   * Waits until the safe head is beyond `after`, and gives it. A reader that has read everything calls it with the larger of
   * the head that it was given last and the last position that it saw: either alone may be passed already. Rejects with the
   * signal's reason when it is aborted.
   */
  waitForHead(after: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<number>
  /** Who holds the safe head: the transactions that have appended and not ended, the lowest first. */
  blockers(): Promise<readonly Blocker[]>
  /** Reads all events once and names the streams whose row and events disagree; none when all is well. */
  verify(): Promise<readonly StreamProblem[]>
  /** Makes the rows of such streams agree with their events again; gives what it mended. Appends wait meanwhile. */
  repair(): Promise<readonly StreamProblem[]>
  /** What becomes of older forms of events. */
  readonly upcasters: UpcasterCatalog
}

/** The event store inside one transaction: appends are committed, or not, with everything else in it. */
export interface TransactionEventStore<Families extends EventFamilies> extends EventReads<Families> {
  /** Appends events to a stream; after a conflict the transaction can go on. */
  append(streamId: string, events: readonly NewEventOf<Families>[], options?: AppendOptions): Promise<AppendResult>
  /** Begins an append that is put together step by step and ends with `send`. */
  stream(streamId: string): SendableAppend<NewEventOf<Families>>
}

/** Stages appends in a session. */
export interface StagedEventStore<Families extends EventFamilies> {
  /**
   * Stages events; each append has a result of its own. Appends to one stream are stored in the order in which they were
   * staged: the `expected` of a later one may be the stream's version in the database, or the one that the appends staged
   * before it lead to.
   *
   * @throws InvalidArgument at once, also for an `expected` that contradicts an earlier append to the stream, and for an
   * idempotency key that one of them has. What the schemas say comes with `saveChanges`.
   */
  append(streamId: string, events: readonly NewEventOf<Families>[], options?: AppendOptions): void
  /** Begins an append that is put together step by step and ends with `stage`. */
  stream(streamId: string): StageableAppend<NewEventOf<Families>>
  /** What is staged for a stream, in order. */
  staged(streamId: string): readonly StagedAppend<NewEventOf<Families>>[]
}

/** What {@link events} adds to a store. */
export interface EventsShape<Families extends EventFamilies> {
  readonly store: EventStore<Families>
  readonly transaction: TransactionEventStore<Families>
  readonly session: StagedEventStore<Families>
  readonly saved: readonly AppendResult[]
}
