import {
  ConnectionLostError,
  DatabaseError,
  DeadlockError,
  LockTimeoutError,
  PermissionDeniedError,
  PoolTimeoutError,
  QueryCanceledError,
  SchemaMissingError,
  SerializationFailureError,
  TransactionAbortedError,
  UniqueViolationError,
} from './database-errors.js'
import { isRillflowError, RillflowError } from './rillflow-error.js'

interface DriverError {
  readonly code?: unknown
  readonly message?: unknown
  readonly constraint?: unknown
}

const sqlStateShape = /^[0-9A-Z]{5}$/

/** Missing relation, function, schema, column or type: what a database without the migrations answers. */
const missingObject = new Set(['42P01', '42883', '3F000', '42703', '42704'])

/** The server is going away, or not there yet. */
const serverGone = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25P03', '25P04'])

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
  // postgres.js
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
])

/** What node-postgres says, without a code, when the socket ends or the client was ended. */
const connectionWords =
  /connection terminated|connection ended|client has encountered a connection error|not queryable|client was closed|query read timeout|connection is closed/i

/** What pg-pool says, without a code, when no connection came free or could be made in time. */
const poolTimeoutWords = /timeout exceeded when trying to connect|connection terminated due to connection timeout/i

/**
 * Turns whatever a driver threw into a Rillflow error; a Rillflow error comes back as it is.
 *
 * @param operation what was being done, as people say it: `append`, `put`, `commit`.
 */
export function fromDriverError(error: unknown, operation: string): RillflowError {
  if (isRillflowError(error)) return error
  const { code, message } = (error ?? {}) as DriverError
  const text = typeof message === 'string' ? message : ''
  // Sockets first, since EPIPE has the shape of an SQLSTATE; words last, since an SQL error may hold any words.
  if (typeof code === 'string' && socketCodes.has(code)) return connectionLost(operation, error)
  if (typeof code === 'string' && sqlStateShape.test(code)) return fromSqlState(code, operation, error as DriverError)
  if (poolTimeoutWords.test(text)) return poolTimeout(operation, error)
  if (connectionWords.test(text)) return connectionLost(operation, error)
  return new RillflowError(`${operation} failed in the database driver; see the cause.`, {
    code: 'DriverError',
    cause: error,
  })
}

function fromSqlState(sqlState: string, operation: string, error: DriverError): RillflowError {
  if (sqlState.startsWith('08') || serverGone.has(sqlState)) return connectionLost(operation, error)
  if (missingObject.has(sqlState)) {
    return new SchemaMissingError(
      `${operation} needs a table, column or function that this database does not have (SQLSTATE ${sqlState}). ` +
        'Run sync(store) of @rillflow/schema for this schema, and check that the store names the right one.',
      error,
    )
  }
  switch (sqlState) {
    case '40001':
      return new SerializationFailureError(`${operation} ran into a concurrent transaction; run it again.`, error)
    case '40P01':
      return new DeadlockError(`${operation} was ended to break a deadlock; run it again.`, error)
    case '55P03':
      return new LockTimeoutError(`${operation} did not get its lock within lock_timeout.`, error)
    case '57014':
      return new QueryCanceledError(`${operation} was cancelled by the server or by statement_timeout.`, error)
    case '42501':
      return new PermissionDeniedError(
        `${operation}: the database role lacks a right. Grant it, or connect as a role that has it.`,
        error,
      )
    case '25P02':
      return new TransactionAbortedError(`${operation}: an earlier statement of this transaction failed.`, error)
    case '23505':
      return uniqueViolation(operation, error)
    default:
      return new DatabaseError(`${operation} was refused by the database (SQLSTATE ${sqlState}); see the cause.`, {
        sqlState,
        cause: error,
      })
  }
}

function uniqueViolation(operation: string, error: DriverError): RillflowError {
  const constraint = typeof error.constraint === 'string' ? error.constraint : undefined
  return new UniqueViolationError(`${operation} would break the unique index ${constraint ?? '(unnamed)'}.`, {
    constraint,
    cause: error,
  })
}

function connectionLost(operation: string, cause: unknown): ConnectionLostError {
  return new ConnectionLostError(
    `${operation}: the connection to PostgreSQL was lost or could not be made. Check that the server is up and reachable.`,
    cause,
  )
}

function poolTimeout(operation: string, cause: unknown): PoolTimeoutError {
  return new PoolTimeoutError(
    `${operation}: no connection came free in time. Raise maxConnections, shorten transactions, or look for a call ` +
      'on the store that waits inside a transaction callback.',
    cause,
  )
}

/** node-postgres refuses to send on a connection that it knows to be broken. */
export function wasNeverSent(error: unknown): boolean {
  return error instanceof Error && error.message.includes('is not queryable')
}
