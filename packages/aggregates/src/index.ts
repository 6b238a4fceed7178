export { aggregates, type AggregatesOptions } from './aggregates.js'
export type {
  AggregateChanges,
  AggregateReads,
  AggregatesShape,
  AggregateStore,
  Committed,
  Executed,
  Loaded,
  StagedAggregateStore,
  TransactionAggregateStore,
} from './aggregate-store.js'

export type {
  Aggregate,
  AggregateDefinition,
  AggregatePlace,
  CommandInputs,
  CommandRecord,
  CommandsOf,
  Decide,
  DecidedEvent,
  Decision,
  Evolve,
  SnapshotPolicy,
  UnknownEvents,
} from './definition/aggregate.js'
export type { DeepReadonly } from './definition/deep-readonly.js'
export { defineAggregate, type AggregateOptions } from './definition/define-aggregate.js'

export { AggregateExistsError, AggregateNotFoundError, EvolveFailedError } from './errors.js'

export type { Moment } from './load/load-at.js'

export type { CommitOptions, StoreCommitOptions } from './operations/commit.js'
export type { ExecuteOptions } from './operations/execute.js'

export type { SnapshotTaken } from './session/session-part.js'

export type {
  CandidateOptions,
  SnapshotBacklog,
  SnapshotOptions,
  SnapshotReport,
  Snapshotter,
} from './snapshots/snapshotter.js'
