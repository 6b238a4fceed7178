import {
  moduleContract,
  RillflowError,
  traced,
  type Module,
  type Scope,
  type SchemaComponent,
  type TransactionScope,
} from '@rillflow/core'
import streams from '../sql/0001_streams.sql'
import { appendEvents, type AppendOutcome, type AppendResult } from './append/append-events.js'
import { prepareAppend, type AppendOptions } from './append/prepare-append.js'
import type { EventFamilies, NewEventOf, StoredEventOf } from './definitions/define-events.js'
import { EventRegistry } from './definitions/event-registry.js'
import { safeHead } from './head/safe-head.js'
import type { EventReader } from './read/event-reader.js'
import { readAll } from './read/read-all.js'
import type { ReadAllOptions, ReadStreamOptions } from './read/read-options.js'
import { readStream } from './read/read-stream.js'
import { StagedAppends } from './session/staged-appends.js'

/** The event store of one tenant, on the pool or inside a transaction. */
export interface EventStore<Families extends EventFamilies> {
  /**
   * Appends events to a stream, all or none, in one round trip.
   *
   * @throws VersionConflict with the actual version, when the stream is not as `expected`.
   * @throws ValidationFailed, UnknownEventType, UnstorableValue, InvalidArgument, LimitExceeded before anything is sent.
   * @throws StreamArchived, StreamTombstoned
   */
  append(streamId: string, events: readonly NewEventOf<Families>[], options?: AppendOptions): Promise<AppendResult>
  /** Reads one stream; a stream that does not exist has no events. */
  readStream(streamId: string, options?: ReadStreamOptions): EventReader<StoredEventOf<Families>>
  /**
   * Reads every stream in the order of positions, up to the safe head as it is when the reading begins. Nothing that
   * commits later can appear behind it.
   */
  readAll(options?: ReadAllOptions): EventReader<StoredEventOf<Families>>
  /** The safe head: nothing will ever appear at or below it that is not there now. 0 in an empty store. */
  head(): Promise<number>
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
}

/** What {@link events} adds to a store. */
export interface EventsShape<Families extends EventFamilies> {
  readonly store: EventStore<Families>
  readonly transaction: EventStore<Families>
  readonly session: StagedEventStore<Families>
  readonly saved: readonly AppendResult[]
}

const component: SchemaComponent = {
  module: 'events',
  migrations: [{ number: 1, name: 'streams', sql: streams }],
}

/**
 * The event store as a module: append-only streams, and a feed that never skips an event.
 *
 * @throws InvalidConfig when two families define one event type.
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
export function events<const Families extends EventFamilies>(families: Families): Module<EventsShape<Families>> {
  const registry = new EventRegistry(families)
  return {
    name: '@rillflow/events',
    contract: moduleContract,
    components: [component],
    install: () => ({
      store: (scope) => eventStore<Families>(scope, registry, false),
      transaction: (scope: TransactionScope) => eventStore<Families>(scope, registry, true),
      session: () => {
        const staged = new StagedAppends(registry)
        return {
          api: { append: (streamId, list, options = {}) => staged.stage(streamId, list, options) },
          pending: () => staged.pending,
          flush: (scope) => staged.flush(scope),
          committed: () => staged.committed(),
          clear: () => staged.clear(),
        }
      },
    }),
  }
}

function eventStore<Families extends EventFamilies>(
  scope: Scope,
  registry: EventRegistry,
  inTransaction: boolean,
): EventStore<Families> {
  return {
    async append(streamId, list, options = {}) {
      const context = scope.context()
      const prepared = await prepareAppend(registry, { streamId, events: list, options, context })
      const { schema, tenant } = await scope.target()
      const [outcome] = await traced(
        'append',
        () => ({ operation: 'append', schema, tenant, correlationId: context.correlationId, count: list.length }),
        () => appendEvents(scope, schema, [prepared]),
      )
      return unwrap(outcome as AppendOutcome)
    },
    // The registry has every type of the families, and a row of another type throws.
    readStream: (streamId, options = {}) =>
      readStream(scope, registry, streamId, options) as EventReader<StoredEventOf<Families>>,
    readAll: (options = {}) => readAll(scope, registry, options, inTransaction) as EventReader<StoredEventOf<Families>>,
    head: () => safeHead(scope, inTransaction),
  }
}

function unwrap(outcome: AppendOutcome): AppendResult {
  if (outcome instanceof RillflowError) throw outcome
  return outcome
}
