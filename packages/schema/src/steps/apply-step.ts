import { ident, isRillflowError, type RillflowError, type TransactionClient } from '@rillflow/core'
import { recordMigration } from '../database/migration-table.js'
import { permissionDenied } from '../database/permission-denied.js'
import type { SchemaState } from '../database/read-state.js'
import { MigrationFailedError } from '../errors.js'
import { describeStep, type CreateIndexStep, type MigrationStep, type PlanStep } from './plan-step.js'

/** The transaction of one step. */
export interface StepTransaction {
  readonly client: TransactionClient
  readonly transactionId: string
  /** As read after the lock was had. */
  readonly state: SchemaState
}

/**
 * Does one step, and records it when it is a migration.
 *
 * @throws MigrationFailed, PermissionDenied, and the errors of the connection and of lost races as they are.
 */
export async function applyStep(transaction: StepTransaction, step: PlanStep): Promise<void> {
  const { client, state, transactionId } = transaction
  try {
    // No values: the whole text goes as one simple query, of as many statements as it has. Deferred constraints are
    // checked here, while it is known whose they are, and not at the commit.
    await client.queryObjects(describeStep(step), `${step.sql}\n;set constraints all immediate`, [])
  } catch (error) {
    throw explain(error, step, state)
  }
  if (step.kind !== 'migration') return
  const { rowCount } = await client.query(recordMigration(state.schema, step, transactionId))
  if (rowCount === 0) throw endedItsTransaction(step, state.schema)
}

/** They say nothing against the SQL; a caller, or the retry of the connection, may run it again. */
const passing = ['ConnectionLost', 'PoolTimeout', 'LockTimeout', 'Deadlock', 'SerializationFailure', 'QueryCanceled']

function explain(error: unknown, step: PlanStep, state: SchemaState): unknown {
  if (!isRillflowError(error) || passing.includes(error.code)) return error
  if (error.code === 'PermissionDenied') return denied(error, step, state)
  return step.kind === 'migration' || step.kind === 'createIndex' ? failed(error, step, state) : error
}

function denied(error: RillflowError, step: PlanStep, state: SchemaState): RillflowError {
  const schema = ident(state.schema)
  const role = ident(state.role)
  if (step.kind === 'createSchema') {
    return permissionDenied(`create the schema ${schema}`, state.role, error, [
      `create schema ${schema} authorization ${role}`,
    ])
  }
  const what = `do what the schema ${schema} needs (${describeStep(step)})`
  return permissionDenied(what, state.role, error, [
    `grant usage, create on schema ${schema} to ${role}`,
    `reassign the tables of the schema to ${role} if another role owns them`,
  ])
}

function failed(error: RillflowError, step: MigrationStep | CreateIndexStep, state: SchemaState): MigrationFailedError {
  const message =
    `${describeStep(step)} failed on schema ${JSON.stringify(state.schema)}${whereIn(step.sql, error.cause)} and was ` +
    'rolled back; what was applied before it stays. Mend what the cause says and sync again.'
  return migrationFailed(message, step, { schema: state.schema, cause: error.cause })
}

/** The driver's own message may quote stored values, so it stays in the cause. */
function whereIn(sql: string, cause: unknown): string {
  const { code, position } = (cause ?? {}) as { readonly code?: unknown; readonly position?: unknown }
  const parts: string[] = []
  if (typeof code === 'string') parts.push(`SQLSTATE ${code}`)
  if (typeof position === 'string') parts.push(`line ${lineAt(sql, Number(position))}`)
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

/** The server counts characters of the text sent, from 1; JavaScript's own index counts half of an emoji as one. */
function lineAt(sql: string, position: number): number {
  const before = Array.from(sql).slice(0, position - 1)
  return before.filter((character) => character === '\n').length + 1
}

function endedItsTransaction(step: MigrationStep, schema: string): MigrationFailedError {
  const message =
    `${describeStep(step)} ended the transaction it ran in: its SQL holds a COMMIT or ROLLBACK. It is not recorded on ` +
    `schema ${JSON.stringify(schema)}, and part of it may be there. Take it back by hand, and take the statement out.`
  return migrationFailed(message, step, { schema, cause: undefined })
}

function migrationFailed(
  message: string,
  step: MigrationStep | CreateIndexStep,
  { schema, cause }: { schema: string; cause: unknown },
): MigrationFailedError {
  const number = step.kind === 'migration' ? step.number : undefined
  return new MigrationFailedError(message, { schema, module: step.module, number, migration: step.name, cause })
}
