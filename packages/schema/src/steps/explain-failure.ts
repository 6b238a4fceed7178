import { ident, isRillflowError, type RillflowError } from '@rillflow/core'
import { permissionDenied } from '../database/permission-denied.js'
import { IndexFailedError, MigrationFailedError } from '../errors.js'
import {
  describeStep,
  type CreateIndexStep,
  type DropIndexStep,
  type MigrationStep,
  type PlanStep,
} from './plan-step.js'

/** Where a step ran. */
export interface Place {
  readonly schema: string
  readonly role: string
}

/** They say nothing against the SQL; a caller, or the retry of the connection, may run it again. */
const passing = ['ConnectionLost', 'PoolTimeout', 'LockTimeout', 'Deadlock', 'SerializationFailure', 'QueryCanceled']

/** Turns what a step threw into what a caller can act on. */
export function explainFailure(error: unknown, step: PlanStep, place: Place): unknown {
  if (!isRillflowError(error)) return error
  forgetValues(error.cause)
  if (passing.includes(error.code)) return error
  if (error.code === 'PermissionDenied') return denied(error, step, place)
  if (step.kind === 'migration') return migrationFailed(error, step, place)
  return step.kind === 'createIndex' || step.kind === 'dropIndex' ? indexFailed(error, step, place) : error
}

/** The server quotes the values of a row in these fields, and loggers print causes. */
function forgetValues(cause: unknown): void {
  if (!(cause instanceof Error)) return
  for (const field of ['detail', 'where', 'internalQuery']) Reflect.deleteProperty(cause, field)
}

function denied(error: RillflowError, step: PlanStep, place: Place): RillflowError {
  const schema = ident(place.schema)
  const role = ident(place.role)
  if (step.kind === 'createSchema') {
    return permissionDenied(`create the schema ${schema}`, place.role, error, [
      `create schema ${schema} authorization ${role}`,
    ])
  }
  const what = `do what the schema ${schema} needs (${describeStep(step)})`
  return permissionDenied(what, place.role, error, [
    `grant usage, create on schema ${schema} to ${role}`,
    `reassign the tables of the schema to ${role} if another role owns them`,
  ])
}

function migrationFailed(error: RillflowError, step: MigrationStep, { schema }: Place): MigrationFailedError {
  const message =
    `${describeStep(step)} failed on schema ${JSON.stringify(schema)}${whereIn(step.sql, error.cause)} and was ` +
    'rolled back; what was applied before it stays. Mend what the cause says and sync again.'
  return new MigrationFailedError(message, { ...step, schema, cause: error.cause })
}

function indexFailed(error: RillflowError, step: CreateIndexStep | DropIndexStep, { schema }: Place): IndexFailedError {
  const sqlState = sqlStateOf(error.cause)
  const remedy =
    sqlState === '23505'
      ? 'Rows that are there hold the same value twice: change or delete them, or declare the index without unique.'
      : 'Mend what the cause says.'
  const message =
    `${describeStep(step)} failed on table ${JSON.stringify(step.table)} of schema ${JSON.stringify(schema)}` +
    `${whereIn(step.sql, error.cause)}. ${remedy} Then sync again; writes and the other indexes are not affected.`
  return new IndexFailedError(message, { ...step, index: step.name, schema, sqlState, cause: error.cause })
}

function sqlStateOf(cause: unknown): string | undefined {
  const { code } = (cause ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' ? code : undefined
}

/** The driver's own message may quote stored values, so it stays in the cause. */
function whereIn(sql: string, cause: unknown): string {
  const { position } = (cause ?? {}) as { readonly position?: unknown }
  const sqlState = sqlStateOf(cause)
  const parts: string[] = []
  if (sqlState !== undefined) parts.push(`SQLSTATE ${sqlState}`)
  if (typeof position === 'string') parts.push(`line ${lineAt(sql, Number(position))}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

/** The server counts characters of the text sent, from 1; JavaScript's own index counts half of an emoji as one. */
function lineAt(sql: string, position: number): number {
  const before = Array.from(sql).slice(0, position - 1)
  return before.filter((character) => character === '\n').length + 1
}

/** A migration whose SQL ended the transaction that it ran in. */
export function endedItsTransaction(step: MigrationStep, schema: string): MigrationFailedError {
  const message =
    `${describeStep(step)} ended the transaction it ran in: its SQL holds a COMMIT or ROLLBACK. It is not recorded on ` +
    `schema ${JSON.stringify(schema)}, and part of it may be there. Take it back by hand, and take the statement out.`
  return new MigrationFailedError(message, { ...step, schema, cause: undefined })
}
