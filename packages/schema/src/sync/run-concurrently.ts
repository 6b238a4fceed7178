import { fromDriverError, isRillflowError, type ClientLike } from '@rillflow/core'
import { releaseBuild } from '../database/index-builds.js'
import { explainFailure, type Place } from '../steps/explain-failure.js'
import type { OpenSchema } from '../open-schema.js'
import { describeStep, type ConcurrentStep } from '../steps/plan-step.js'
import type { SyncJob } from './sync-job.js'

/**
 * Runs a claimed step: each statement by itself, outside a transaction, and once: a build that failed has left an index,
 * and must not be sent again before that is gone.
 *
 * @throws IndexFailed, PermissionDenied, and the errors of the connection and of lost races as they are.
 */
export async function runConcurrently({ open, builder }: SyncJob, step: ConcurrentStep, place: Place): Promise<void> {
  const { connection, schema } = open
  try {
    for (const text of step.kind === 'createIndex' ? [step.sql, step.mark] : [step.sql]) {
      await connection.withClient(describeStep(step), async (client) => alone(client, text, describeStep(step)))
    }
  } catch (error) {
    throw explainFailure(error, step, place)
  } finally {
    // Left behind, a claim ends by itself; it must not hide what came of the build.
    await connection.query(releaseBuild(schema, builder)).catch(() => undefined)
  }
}

/** Named and mapped inside the loan, so that a connection that was lost does not go back to its pool. */
async function alone(client: ClientLike, text: string, operation: string): Promise<void> {
  try {
    await client.query({ text })
  } catch (error) {
    throw fromDriverError(error, operation)
  }
}

/** Tells whether a step failed because of somebody who did the same at the same time, so that it is worth another look. */
export async function isLostRace(open: OpenSchema, step: ConcurrentStep, error: unknown): Promise<boolean> {
  if (isRillflowError(error, 'Deadlock') || isRillflowError(error, 'SerializationFailure')) return true
  if (!isRillflowError(error, 'IndexFailed')) return false
  const { code, constraint } = (error.cause ?? {}) as { readonly code?: unknown; readonly constraint?: unknown }
  if (step.kind === 'dropIndex') return code === '42704'
  // The name is taken: seen at the start, or at the end by the catalog's own unique index. By an index, or for ever?
  const taken = code === '42P07' || (code === '23505' && constraint === 'pg_class_relname_nsp_index')
  return taken && (await open.read(open.connection)).indexes.has(step.index)
}
