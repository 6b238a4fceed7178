export type { StandardSchemaV1 } from '@standard-schema/spec'

export type {
  ClientConnection,
  ConnectionOptions,
  PoolConnection,
  UrlConnection,
} from './connection/connection-options.js'
export type { Connection } from './connection/connection.js'
export { canCopy, copyIn, type CopyChunks } from './connection/copy-in.js'
export type { DedicatedClient } from './connection/dedicated-client.js'
export type { ClientLike, PoolClientLike, PoolLike, QueryConfigLike, QueryResultLike } from './connection/pool-like.js'
export type { Rows } from './connection/query.js'
export type { RetryOptions } from './connection/retry.js'
export type { TransactionClient } from './connection/transaction-client.js'

export { mergeContexts, type Context } from './context/context.js'

export {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  DatabaseError,
  DeadlockError,
  LockTimeoutError,
  PermissionDeniedError,
  PoolTimeoutError,
  QueryCanceledError,
  SchemaMissingError,
  SerializationFailureError,
  type SentStatement,
  TransactionAbortedError,
  UniqueViolationError,
} from './errors/database-errors.js'
export { fromDriverError } from './errors/from-driver-error.js'
export { isUndone } from './errors/is-undone.js'
export { isRillflowError, RillflowError, type RillflowErrorOptions } from './errors/rillflow-error.js'
export {
  AbortedError,
  ContractMismatchError,
  InvalidArgumentError,
  InvalidConfigError,
  InvalidIdentifierError,
  InvalidStateError,
  OverloadedError,
  PositionOverflowError,
  UnknownTenantError,
  UnstorableValueError,
  ValidationError,
  type ValidationIssue,
  type ValuePath,
} from './errors/usage-errors.js'
export { VersionConflictError, type ExpectedState } from './errors/version-conflict-error.js'

export { checkStorable, encodeJson, formatPath, type Json, type JsonObject } from './json/encode-json.js'
export { safeInteger } from './json/safe-integer.js'

export {
  moduleContract,
  type InstalledModule,
  type Module,
  type ModuleHost,
  type ModuleShape,
  type SessionPart,
} from './module/module.js'
export type { ModuleKey } from './module/module-key.js'
export type { DeclaredIndex, Migration, SchemaComponent } from './module/schema-component.js'
export type { Scope, TransactionScope } from './module/scope.js'
export type { Place, Sibling, Siblings } from './module/siblings.js'

export { channels, traced, type OperationContext } from './observability/channels.js'
export { silentLogger, type Logger } from './observability/logger.js'

export { ident } from './sql/ident.js'
export { literal } from './sql/literal.js'
export type { SqlTag } from './sql/sql-tag.js'
export { defineStatement, jsonText, type Statement } from './sql/statement.js'

export { createStore, type StoreOptions } from './store/create-store.js'
export { internalsOf, type StoreInternals } from './store/internals.js'
export type {
  ModuleRecord,
  MultiTenantStore,
  SavedChanges,
  SaveOptions,
  Session,
  SessionOptions,
  SingleStore,
  Store,
  TenantStore,
  Transaction,
  TransactionOptions,
} from './store/store.js'

export { singleTenant } from './tenancy/single-tenant.js'
export type { Target, Tenancy, TenancyMode } from './tenancy/tenancy.js'

export { before } from './values/before.js'
export { typed } from './values/typed.js'
export { uuidV7 } from './values/uuid-v7.js'
export { validate } from './values/validate.js'
