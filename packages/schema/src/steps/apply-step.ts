import type { TransactionClient } from '@rillflow/core'
import { recordMigration } from '../database/migration-table.js'
import { endedItsTransaction, explainFailure, type Place } from './explain-failure.js'
import { describeStep, type PlanStep } from './plan-step.js'

/** The transaction of one step. */
export interface StepTransaction {
  readonly client: TransactionClient
  readonly transactionId: string
  /** As read after the lock was had. */
  readonly state: Place
}

/**
 * Does one step that runs in a transaction, and records it when it is a migration.
 *
 * @throws MigrationFailed, IndexFailed, PermissionDenied, and the errors of the connection and of lost races as they are.
 */
export async function applyStep(transaction: StepTransaction, step: PlanStep): Promise<void> {
  const { client, state, transactionId } = transaction
  const mark = step.kind === 'createIndex' ? `\n${step.mark}` : ''
  try {
    // No values: the whole text goes as one simple query, of as many statements as it has. Deferred constraints are
    // checked here, while it is known whose they are, and not at the commit.
    await client.queryObjects(describeStep(step), `${step.sql}${mark}\n;set constraints all immediate`, [])
  } catch (error) {
    throw explainFailure(error, step, state)
  }
  if (step.kind !== 'migration') return
  const { rowCount } = await client.query(recordMigration(state.schema, step, transactionId))
  if (rowCount === 0) throw endedItsTransaction(step, state.schema)
}
