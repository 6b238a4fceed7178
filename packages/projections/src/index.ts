export { defineProjection, type FoldOptions, type HandlerOptions } from './definition/define-projection.js'
export type { DeepReadonly } from './definition/deep-readonly.js'
export type {
  ProjectedEvent,
  Projection,
  ProjectionFilter,
  ProjectionHandlers,
  ProjectionKey,
  ProjectionMode,
  ProjectionTarget,
  ProjectionTransaction,
} from './definition/projection.js'
export { toTable, type TableOptions, type TableTarget } from './definition/to-table.js'

export { ProjectionFailedError, ProjectionNotFoundError, RebuildRefusedError, WaitTimeoutError } from './errors.js'

export type { ProjectionReads, ProjectionsShape, ProjectionStore } from './projection-store.js'
export { projections, type ProjectionsOptions } from './projections.js'

export type { RebuildProgress } from './rebuild/rebuild-projection.js'
export type {
  ProjectionOperations,
  ProjectionStatus,
  RebuildOptions,
  RunProjectionsOptions,
} from './workers/projection-operations.js'
export type { WorkerOptions } from './workers/run-projection.js'
export type { WaitOptions } from './workers/wait-for.js'
