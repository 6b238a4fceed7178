import { ident, SchemaMissingError, type TransactionClient } from '@rillflow/core'
import { claimBuild, findBuilder, probeTable, type Builder } from '../database/index-builds.js'
import type { SchemaState } from '../database/read-state.js'
import { takeTurn } from '../database/take-turn.js'
import { applyStep } from '../steps/apply-step.js'
import { explainFailure } from '../steps/explain-failure.js'
import { pendingSteps } from '../steps/pending-steps.js'
import { describeStep, isConcurrent, type ConcurrentStep, type PlanStep } from '../steps/plan-step.js'
import type { SyncJob } from './sync-job.js'

/**
 * What came of a turn: `nothing` is left, or a step was `applied` in the turn's transaction, or one is `claimed` and runs
 * after it; or somebody else is `building` an index, and nothing was done.
 */
export type Turn =
  | { readonly kind: 'nothing'; readonly state: SchemaState }
  | { readonly kind: 'applied'; readonly step: PlanStep }
  | { readonly kind: 'claimed'; readonly step: ConcurrentStep; readonly state: SchemaState }
  | { readonly kind: 'building'; readonly builder: Builder }

/** Does, or claims, the step that `choose` picks of those that are left when the lock is had: the first, unless told. */
export async function takeStep(
  { open, options, builder: token, proofs }: SyncJob,
  choose: (steps: readonly PlanStep[]) => PlanStep | undefined = ([first]) => first,
): Promise<Turn> {
  const { connection, schema, wanted } = open
  return connection.transaction(async (client): Promise<Turn> => {
    const transactionId = await takeTurn(client, schema, options)
    const state = await open.read(client)
    const step = choose(pendingSteps(wanted, state, proofs))
    if (step === undefined) return { kind: 'nothing', state }
    if (step.kind === 'createSchema' && options.createSchema === false) throw schemaMissing(schema)
    // Whoever waits for a table holds a snapshot, for which the last phase of a build waits: they would deadlock.
    const builder = await explained(step, state, async () =>
      state.tableExists ? findBuilder(client, schema) : undefined,
    )
    if (builder !== undefined) return { kind: 'building', builder }
    if (!isConcurrent(step)) {
      await applyStep({ client, transactionId, state }, step)
      return { kind: 'applied', step }
    }
    await claim(client, { step, state, token })
    return { kind: 'claimed', step, state }
  })
}

async function claim(
  client: TransactionClient,
  { step, state, token }: { step: ConcurrentStep; state: SchemaState; token: string },
): Promise<void> {
  await explained(step, state, async () => {
    await client.queryObjects(describeStep(step), probeTable(state.schema, step.table), [])
    await client.query(claimBuild(state.schema, step.index, token))
  })
}

/** Runs what belongs to a step; a right that lacks is told as that of the step. */
async function explained<Result>(step: PlanStep, state: SchemaState, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw explainFailure(error, step, state)
  }
}

function schemaMissing(schema: string): SchemaMissingError {
  return new SchemaMissingError(
    `The schema ${JSON.stringify(schema)} does not exist, and sync was told not to make it (createSchema: false). ` +
      `Let an administrator run: create schema ${ident(schema)} authorization <the role of this store>.`,
    undefined,
  )
}
