import type { BareEventOf, EventFamily, EventSchemas } from '@rillflow/events'
import type { AggregateDefinition, DecidedEvent, Decide } from './definition/aggregate.js'
import type { DeepReadonly } from './definition/deep-readonly.js'
import type { Moment } from './load/load-at.js'
import type { CommitOptions, StoreCommitOptions } from './operations/commit.js'
import type { ExecuteOptions } from './operations/execute.js'
import type { SnapshotTaken } from './session/session-part.js'
import type { Snapshotter } from './snapshots/snapshotter.js'

/** The state of an aggregate, and where its stream stands. */
export interface Loaded<State> {
  /** The id of its stream. */
  readonly id: string
  readonly state: DeepReadonly<State>
  /** The stream's version, which is that of its last event; 0 before the first. */
  readonly version: number
  readonly exists: boolean
}

/** The state after a commit, and what was written. */
export interface Committed<State, Schemas extends EventSchemas> extends Loaded<State> {
  /** The new events, as they will be read back; empty when there was nothing to do. */
  readonly events: readonly BareEventOf<{ readonly family: EventFamily<Schemas> }>[]
  /** The position of the last new event; undefined when there was none. */
  readonly position: number | undefined
  readonly eventIds: readonly string[]
}

/** What an execution led to. */
export interface Executed<State, Schemas extends EventSchemas> extends Committed<State, Schemas> {
  /** How often the decision was taken: 1, and one more for each conflict. */
  readonly attempts: number
}

/** What stands wherever aggregates are read. */
export interface AggregateReads {
  /**
   * Loads an aggregate, in one round trip for up to 5,000 events behind its snapshot, or behind its beginning. One that
   * does not exist has its initial state, and version 0.
   *
   * @throws EvolveFailed, UnknownEventType, EventTooNew, UpcastFailed
   */
  load<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
  ): Promise<Loaded<State>>
  /**
   * Loads an aggregate as it was: at a version, or at a time by the clock of the server. The version of the result tells
   * which of its events are in it.
   */
  loadAt<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
    moment: Moment,
  ): Promise<Loaded<State>>
}

/** What changes aggregates, on the store and in a transaction. */
export interface AggregateChanges<Execute, Commit> {
  /**
   * Loads, decides and appends; after a conflict again, on what is there then. An aggregate that does not exist is decided
   * on in its initial state.
   *
   * @throws VersionConflict when every attempt met one; what `decide` and the aggregate's `validate` throw, unchanged.
   *
   * @example
   * ```ts ignore
   * await store.aggregates.execute(Order, 'order-1', Order.commands.ship({ carrier: 'dhl' }))
   * ```
   */
  execute<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
    decide: Decide<State, Schemas>,
    options?: Execute,
  ): Promise<Executed<State, Schemas>>
  /**
   * Decides on the initial state and appends, without loading: a decision without events finds out nothing.
   *
   * @throws AggregateExists
   */
  create<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
    decide: Decide<State, Schemas>,
    options?: Execute,
  ): Promise<Executed<State, Schemas>>
  /** As `execute`, on an aggregate that must be there. @throws AggregateNotFound */
  update<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
    decide: Decide<State, Schemas>,
    options?: Execute,
  ): Promise<Executed<State, Schemas>>
  /**
   * Appends events to an aggregate as it was loaded.
   *
   * @throws VersionConflict when it has changed since; the conflict is yours to settle.
   */
  commit<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    loaded: Loaded<State>,
    events: readonly DecidedEvent<Schemas>[],
    options?: Commit,
  ): Promise<Committed<State, Schemas>>
}

/** The aggregates of one tenant. */
export interface AggregateStore extends AggregateReads, AggregateChanges<ExecuteOptions, StoreCommitOptions> {
  /** Takes snapshots of what was written without, as after a new version of the state. */
  readonly snapshots: Snapshotter
}

/** Aggregates inside one transaction: several of them are committed, or not, together. */
export interface TransactionAggregateStore
  extends AggregateReads, AggregateChanges<Omit<ExecuteOptions, 'signal'>, CommitOptions> {
  /**
   * Loads an aggregate and holds its stream until the transaction ends: appends of others wait, and what is committed here
   * cannot conflict. A stream that does not exist yet cannot be held.
   */
  loadForUpdate<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
  ): Promise<Loaded<State>>
}

/** Aggregates in a session: loads see what is staged, and changes are staged. */
export interface StagedAggregateStore {
  /** Loads an aggregate once, and gives it with what the session has staged for its stream. */
  load<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
  ): Promise<Loaded<State>>
  /** Loads, decides, and stages the events. A conflict shows when the session is saved. */
  execute<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    id: string,
    decide: Decide<State, Schemas>,
    options?: CommitOptions,
  ): Promise<Loaded<State>>
  /**
   * Stages events on an aggregate as this session has loaded it.
   *
   * @throws VersionConflict when something else was staged for it since.
   */
  commit<State, Schemas extends EventSchemas>(
    aggregate: AggregateDefinition<State, Schemas>,
    loaded: Loaded<State>,
    events: readonly DecidedEvent<Schemas>[],
    options?: CommitOptions,
  ): Promise<Loaded<State>>
}

/** What {@link aggregates} adds to a store. */
export interface AggregatesShape {
  readonly store: AggregateStore
  readonly transaction: TransactionAggregateStore
  readonly session: StagedAggregateStore
  readonly saved: readonly SnapshotTaken[]
}
