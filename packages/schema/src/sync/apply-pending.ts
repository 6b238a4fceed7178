import { randomUUID } from 'node:crypto'
import type { SchemaState } from '../database/read-state.js'
import type { OpenSchema } from '../open-schema.js'
import { pendingSteps } from '../steps/pending-steps.js'
import { describeStep, type ConcurrentStep, type PlanStep } from '../steps/plan-step.js'
import { proveIndexes, unprovenIndexes } from '../steps/prove-indexes.js'
import { isLostRace, runConcurrently } from './run-concurrently.js'
import type { SyncJob } from './sync-job.js'
import { takeStep } from './take-step.js'
import { waitForBuilder } from './wait-for-builder.js'

/** How often the build of one index is begun before somebody who breaks it again and again is a reason to give up. */
const maxBuilds = 5

/** Does what is left, step by step, and returns what this call did itself. */
export async function applyPending(open: OpenSchema, options: SyncJob['options']): Promise<readonly PlanStep[]> {
  const job: SyncJob = { open, options, builder: randomUUID(), proofs: new Map() }
  const applied: PlanStep[] = []
  const builds = new Map<string, number>()
  const state = await open.read(open.connection)
  if (pendingSteps(open.wanted, state, job.proofs).length === 0 && (await isProven(job, state))) return applied
  for (;;) {
    const turn = await takeStep(job)
    if (turn.kind === 'building') await waitForBuilder(job, turn.builder)
    if (turn.kind === 'nothing' && (await isProven(job, turn.state))) return applied
    if (turn.kind === 'claimed' && !(await tryConcurrently(job, turn, builds))) continue
    if (turn.kind === 'applied' || turn.kind === 'claimed') {
      open.logger.info({ schema: open.schema, ...withoutSql(turn.step) }, `${describeStep(turn.step)}: applied`)
      applied.push(turn.step)
    }
  }
}

/** Finds out what is not known of the indexes; false when that made work. */
async function isProven(job: SyncJob, state: SchemaState): Promise<boolean> {
  const { open, proofs } = job
  if (unprovenIndexes(open, state, proofs).length === 0) return true
  const found = await proveIndexes(open, state, proofs)
  for (const warning of found.warnings) open.logger.warn({ schema: open.schema }, warning)
  job.proofs = found.proofs
  return pendingSteps(open.wanted, state, job.proofs).length === 0
}

interface Claimed {
  readonly step: ConcurrentStep
  readonly state: SchemaState
}

/** Returns false when somebody was in the way and it is worth another look at what is left. */
async function tryConcurrently(job: SyncJob, { step, state }: Claimed, builds: Map<string, number>): Promise<boolean> {
  const begun = (builds.get(step.sql) ?? 0) + 1
  builds.set(step.sql, begun)
  try {
    await runConcurrently(job, step, state)
    return true
  } catch (error) {
    if (begun < maxBuilds && (await isLostRace(job.open, step, error))) return false
    if (step.kind === 'createIndex') await dropLeftover(job, step)
    throw error
  }
}

/** Takes away the index that a failed build has left, unless somebody else is at it already. */
async function dropLeftover(job: SyncJob, { index }: ConcurrentStep): Promise<void> {
  const { logger, schema } = job.open
  try {
    const turn = await takeStep(job, (steps) =>
      steps.find((step) => step.kind === 'dropIndex' && step.index === index && step.reason === 'invalid'),
    )
    if (turn.kind === 'claimed') await runConcurrently(job, turn.step, turn.state)
  } catch (error) {
    logger.warn({ schema, index, err: error }, 'an index that is not valid was left; the next sync drops it')
  }
}

/** The text of a migration may be long, and says nothing that its name does not. */
function withoutSql({ sql, ...step }: PlanStep): object {
  return { ...step, length: sql.length }
}
