export type { Difference, OtherObject } from './catalog/compare-objects.js'
export type { ObjectKind } from './catalog/read-objects.js'
export {
  IndexFailedError,
  MigrationChangedError,
  MigrationFailedError,
  MigrationGapError,
  SchemaNewerError,
  type MigrationName,
} from './errors.js'
export type { TargetOptions } from './open-schema.js'
export { plan, type Plan } from './plan.js'
export { renderSql } from './render-sql.js'
export { status, type AppliedStatus, type ModuleStatus, type Status } from './status.js'
export type {
  CreateIndexStep,
  CreateMigrationTableStep,
  CreateSchemaStep,
  DropIndexStep,
  IndexStep,
  MarkIndexStep,
  MigrationStep,
  PlanStep,
  SwapIndexStep,
} from './steps/plan-step.js'
export { sync, type SyncOptions, type SyncResult } from './sync.js'
export { verify, type Verification } from './verify.js'
