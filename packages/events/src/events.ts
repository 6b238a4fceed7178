import {
  moduleContract,
  RillflowError,
  traced,
  type Connection,
  type InstalledModule,
  type Module,
  type ModuleHost,
  type SchemaComponent,
  type Scope,
  type SessionPart,
  type TransactionScope,
} from '@rillflow/core'
import streams from '../sql/0001_streams.sql'
import guards from '../sql/0002_guards.sql'
import streamsAdmin from '../sql/0003_streams_admin.sql'
import imports from '../sql/0004_imports.sql'
import { appendOne, type AppendOutcome } from './append/append-events.js'
import type { GroupCommitOptions } from './append/append-queue.js'
import type { AppendResult } from './append/append-result.js'
import { Appender } from './append/appender.js'
import {
  prepareAppend,
  type AppendOptions,
  type PreparedAppend,
  type StoreAppendOptions,
} from './append/prepare-append.js'
import { declaredIndexes } from './definitions/declared-indexes.js'
import type { EventFamilies, NewEventOf, StoredEventOf } from './definitions/define-events.js'
import { EventRegistry, type NewerVersions, type UnknownTypes } from './definitions/event-registry.js'
import type { NewEvent } from './event.js'
import { blockers, type Blocker } from './head/blockers.js'
import { Heads } from './head/heads.js'
import { HeadReader } from './head/head-reader.js'
import { WakeUps } from './head/wake-ups.js'
import { repairStreams, verifyStreams, type StreamProblem } from './maintenance/verify-streams.js'
import type { EventReader } from './read/event-reader.js'
import type { IndexedColumn } from './read/read-all-statement.js'
import { readAll } from './read/read-all.js'
import { checkCount, type ReadAllOptions, type ReadStreamOptions } from './read/read-options.js'
import { readStream } from './read/read-stream.js'
import { StagedAppends } from './session/staged-appends.js'
import {
  sendableAppend,
  stageableAppend,
  type AbortableAppend,
  type SendableAppend,
  type StageableAppend,
} from './streams/append-builder.js'
import { streamOperations, type StreamOperations } from './streams/stream-operations.js'
import { transferOperations, type TransferOperations } from './transfer/transfer-operations.js'
import { upcasterCatalog, type UpcasterCatalog } from './upcasting/upcaster-catalog.js'
import type { Upcaster } from './upcasting/upcaster.js'

/** What can be done with the events of one tenant, on the store and inside a transaction. */
export interface EventReads<Families extends EventFamilies> extends StreamOperations {
  /** Reads one stream; a stream that does not exist has no events, nor has one that was tombstoned, unless asked for. */
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
   * Waits until the safe head is beyond `after`, and gives it: a reader that has read everything calls it with its last
   * position. Rejects with the signal's reason when it is aborted.
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
   * Stages events. Several appends to one stream become one: a later `expected` may be the stream's version in the
   * database or the one that the staged events lead to.
   *
   * @throws InvalidArgument at once; what the schemas say comes with `saveChanges`.
   */
  append(streamId: string, events: readonly NewEventOf<Families>[], options?: AppendOptions): void
  /** Begins an append that is put together step by step and ends with `stage`. */
  stream(streamId: string): StageableAppend<NewEventOf<Families>>
}

/** What {@link events} adds to a store. */
export interface EventsShape<Families extends EventFamilies> {
  readonly store: EventStore<Families>
  readonly transaction: TransactionEventStore<Families>
  readonly session: StagedEventStore<Families>
  readonly saved: readonly AppendResult[]
}

const component: SchemaComponent = {
  module: 'events',
  migrations: [
    { number: 1, name: 'streams', sql: streams },
    { number: 2, name: 'guards', sql: guards },
    { number: 3, name: 'streams_admin', sql: streamsAdmin },
    { number: 4, name: 'imports', sql: imports },
  ],
}

/** How the event store of a process works. */
export interface EventsOptions {
  /**
   * Concurrent appends share statements: while one is out, others queue, and leave together when it lands. True unless
   * told; false sends each on its own.
   */
  readonly groupCommit?: boolean | GroupCommitOptions | undefined
  /**
   * Readers are woken by a notification, at most one every 10 ms, on a connection of their own. True unless told; false
   * polls alone, for poolers that keep no session.
   */
  readonly wakeUps?: boolean | undefined
  /**
   * What reading does with an event whose type is in none of the families. `throw` unless told; `skip` leaves it out;
   * `pass` gives it as it is, outside the types.
   */
  readonly unknownTypes?: UnknownTypes | undefined
  /**
   * What reading does with an event that newer code stored, in a version that no upcaster here knows: the same choice,
   * `throw` unless told.
   */
  readonly newerVersions?: NewerVersions | undefined
  /** How older forms of events are read; see `upcaster`. */
  readonly upcasters?: readonly Upcaster[] | undefined
  /**
   * Indexes for filters on the feed, each with the position. Each costs every append, and an index on a large table takes
   * its time: none unless told.
   */
  readonly indexes?: readonly IndexedColumn[] | undefined
  /** How long to look for the outcome of an append whose connection was lost, in milliseconds; 10,000 unless told. */
  readonly outcomeTimeout?: number | undefined
}

/**
 * The event store as a module: append-only streams, and a feed that never skips an event.
 *
 * @throws InvalidConfig when two families define one event type, and when the upcasters make no sense together.
 *
 * @example
 * ```ts
 * import { createStore, typed } from '@rillflow/core'
 * import { defineEvents, events } from '@rillflow/events'
 *
 * const OrderEvents = defineEvents('order', { OrderPlaced: typed<{ total: number }>() })
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: { events: events({ order: OrderEvents }) },
 * })
 * await store.events.append('order-1', [{ type: 'OrderPlaced', data: { total: 9 } }], { expected: 'noStream' })
 * for await (const event of store.events.readStream('order-1')) console.log(event.version, event.type)
 * ```
 */
export function events<const Families extends EventFamilies>(
  families: Families,
  options: EventsOptions = {},
): Module<EventsShape<Families>> {
  const registry = new EventRegistry(families, options.unknownTypes, options)
  return {
    name: '@rillflow/events',
    contract: moduleContract,
    components: [{ ...component, indexes: declaredIndexes(options.indexes ?? []) }],
    install: (host) => install<Families>(host, registry, options),
  }
}

function install<Families extends EventFamilies>(
  { connection, logger }: ModuleHost,
  registry: EventRegistry,
  options: EventsOptions,
): InstalledModule<EventsShape<Families>> {
  const { groupCommit = true, wakeUps: notify = true, outcomeTimeout = 10_000, indexes: indexed = [] } = options
  const wakeUps = new WakeUps(connection, logger, notify)
  const appender = new Appender(connection, wakeUps, { groupCommit, outcomeTimeout })
  const headReader = new HeadReader()
  const heads = new Heads({ connection, logger, wakeUps, headReader, listen: notify })
  return {
    store: (scope) =>
      storeApi<Families>(scope, { registry, headReader, indexed, appender, heads, connection, wakeUps }),
    transaction: (scope) => transactionApi<Families>(scope, { registry, headReader, indexed, wakeUps }),
    session: (scope) => sessionPart(scope, registry, wakeUps),
    close: async () => {
      await appender.close()
      await heads.close()
      wakeUps.close()
    },
  }
}

interface ReadParts {
  readonly registry: EventRegistry
  readonly headReader: HeadReader
  readonly indexed: readonly IndexedColumn[]
}

function readApi<Families extends EventFamilies>(
  scope: Scope,
  { registry, headReader, indexed }: ReadParts,
  inTransaction: boolean,
): EventReads<Families> {
  return {
    ...streamOperations(scope),
    // The registry has every type of the families, and a row of another type throws.
    readStream: (streamId, options = {}) => readStream(scope, registry, streamId, options),
    readAll: (options = {}) => readAll(scope, options, { registry, headReader, indexed, inTransaction }),
    head: async () => headReader.read(scope, (await scope.target()).schema, inTransaction),
  }
}

function storeApi<Families extends EventFamilies>(
  scope: Scope,
  parts: ReadParts & { appender: Appender; heads: Heads; connection: Connection; wakeUps: WakeUps },
): EventStore<Families> {
  const { registry, appender, heads } = parts
  const appendTo: EventStore<Families>['append'] = (streamId, list, options = {}) =>
    appender.track(() =>
      append(scope, registry, { streamId, events: list, options }, (schema, prepared) =>
        appender.append(schema, prepared, options.signal),
      ),
    )
  return {
    ...readApi<Families>(scope, parts, false),
    ...transferOperations<Families>(scope, parts),
    append: appendTo,
    stream: (streamId) => sendableAppend(streamId, appendTo),
    async waitForHead(after, options = {}) {
      checkCount('after', after, 0)
      return heads.wait((await scope.target()).schema, after, options.signal)
    },
    blockers: () => blockers(scope),
    verify: () => verifyStreams(scope),
    repair: () => repairStreams(scope),
    upcasters: upcasterCatalog(registry),
  }
}

function transactionApi<Families extends EventFamilies>(
  scope: TransactionScope,
  parts: ReadParts & { wakeUps: WakeUps },
): TransactionEventStore<Families> {
  const { registry, wakeUps } = parts
  const appendTo: TransactionEventStore<Families>['append'] = (streamId, list, options = {}) =>
    append(scope, registry, { streamId, events: list, options }, (schema, prepared) => {
      scope.onCommit(() => wakeUps.committed(schema, false))
      return appendOne(scope, schema, prepared, { notify: false, inTransaction: true })
    })
  return {
    ...readApi<Families>(scope, parts, true),
    append: appendTo,
    stream: (streamId) => sendableAppend(streamId, appendTo),
  }
}

function sessionPart<Families extends EventFamilies>(
  scope: Scope,
  registry: EventRegistry,
  wakeUps: WakeUps,
): SessionPart<EventsShape<Families>> {
  const staged = new StagedAppends(registry)
  let schema = ''
  const stage: StagedEventStore<Families>['append'] = (streamId, list, options = {}) =>
    staged.stage(streamId, list, options)
  return {
    api: { append: stage, stream: (streamId) => stageableAppend(streamId, stage) },
    pending: () => staged.pending,
    async prepare() {
      ;({ schema } = await scope.target())
      await staged.prepare(scope.context())
    },
    async flush(tx) {
      const saved = await staged.flush(tx, schema)
      if (saved.length > 0) tx.onCommit(() => wakeUps.committed(schema, false))
      return saved
    },
    committed: () => staged.committed(),
    clear: () => staged.clear(),
  }
}

interface AppendRequest {
  readonly streamId: string
  readonly events: readonly NewEvent[]
  readonly options: AppendOptions
}

/** Prepares an append, sends it, and throws what its outcome says. */
async function append(
  scope: Scope,
  registry: EventRegistry,
  request: AppendRequest,
  send: (schema: string, prepared: PreparedAppend) => Promise<AppendOutcome>,
): Promise<AppendResult> {
  const context = scope.context()
  const prepared = await prepareAppend(registry, { ...request, context })
  const { schema, tenant } = await scope.target()
  const { correlationId } = context
  const count = prepared.events.length
  return traced(
    'append',
    () => ({ operation: 'append', schema, tenant, correlationId, count }),
    async () => {
      const outcome = await send(schema, prepared)
      if (outcome instanceof RillflowError) throw outcome
      return outcome
    },
  )
}
