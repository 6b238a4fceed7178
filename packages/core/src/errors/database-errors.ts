import { RillflowError } from './rillflow-error.js'

/** The server refused a statement for a reason that has no error of its own; `sqlState` says which. */
export class DatabaseError extends RillflowError<'DatabaseError'> {
  readonly sqlState: string
  constructor(message: string, options: { sqlState: string; cause: unknown }) {
    super(message, { code: 'DatabaseError', cause: options.cause })
    this.sqlState = options.sqlState
  }
}

/** The connection ended, or could not be made; nothing is known to be wrong with the call itself. */
export class ConnectionLostError extends RillflowError<'ConnectionLost'> {
  /**
   * The statement that was out when the connection ended: the server may have run it, or be running it still. Undefined
   * when nothing was sent.
   */
  readonly sent: SentStatement | undefined
  constructor(message: string, cause: unknown, sent?: SentStatement) {
    // What may have run must be looked for before it is made again.
    super(message, { code: 'ConnectionLost', retryable: sent === undefined, cause })
    this.sent = sent
  }
}

/** What is known of a statement whose answer never came. */
export interface SentStatement {
  /** The server's process, as the driver was told it; a pooler in between tells a number of its own. */
  readonly backendPid: number | undefined
}

/** The connection ended while COMMIT was under way: the work is stored whole, or not at all, and nobody can tell which. */
export class CommitOutcomeUnknownError extends RillflowError<'CommitOutcomeUnknown'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'CommitOutcomeUnknown', cause })
  }
}

/** No connection of the pool came free in time. */
export class PoolTimeoutError extends RillflowError<'PoolTimeout'> {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'PoolTimeout', retryable: true, cause })
  }
}

/** Two transactions could not be put in an order (SQLSTATE 40001). */
export class SerializationFailureError extends RillflowError<'SerializationFailure'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'SerializationFailure', retryable: true, cause })
  }
}

/** Two transactions waited for each other and the server ended this one (SQLSTATE 40P01). */
export class DeadlockError extends RillflowError<'Deadlock'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'Deadlock', retryable: true, cause })
  }
}

/** A lock was not had within `lock_timeout` (SQLSTATE 55P03). */
export class LockTimeoutError extends RillflowError<'LockTimeout'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'LockTimeout', retryable: true, cause })
  }
}

/** The server ended the statement: `statement_timeout`, or somebody cancelled it (SQLSTATE 57014). */
export class QueryCanceledError extends RillflowError<'QueryCanceled'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'QueryCanceled', retryable: true, cause })
  }
}

/** A table, function or schema that Rillflow owns is not there, or not in this shape. */
export class SchemaMissingError extends RillflowError<'SchemaMissing'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'SchemaMissing', cause })
  }
}

/** The database role lacks a right that the statement needs (SQLSTATE 42501). */
export class PermissionDeniedError extends RillflowError<'PermissionDenied'> {
  constructor(message: string, cause: unknown) {
    super(message, { code: 'PermissionDenied', cause })
  }
}

/** A unique index refused the row; `constraint` is its name. */
export class UniqueViolationError extends RillflowError<'UniqueViolation'> {
  readonly constraint: string | undefined
  constructor(message: string, options: { constraint: string | undefined; cause: unknown }) {
    super(message, { code: 'UniqueViolation', cause: options.cause })
    this.constraint = options.constraint
  }
}

/** A statement of the transaction failed, its error was caught, and COMMIT was asked for all the same. */
export class TransactionAbortedError extends RillflowError<'TransactionAborted'> {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'TransactionAborted', cause })
  }
}
