import { ident, SchemaMissingError, traced, type OperationContext } from '@rillflow/core'
import { checkTurnOptions, takeTurn, type TurnOptions } from './database/take-turn.js'
import { openSchema, type OpenSchema, type TargetOptions } from './open-schema.js'
import { applyStep } from './steps/apply-step.js'
import { pendingSteps } from './steps/pending-steps.js'
import { describeStep, type PlanStep } from './steps/plan-step.js'

/** How a sync goes about it. */
export interface SyncOptions extends TargetOptions, TurnOptions {
  /** False refuses, with `SchemaMissing`, when the schema itself is not there; true unless told. */
  readonly createSchema?: boolean | undefined
}

/** What a sync did. */
export interface SyncResult {
  readonly schema: string
  readonly tenant: string | undefined
  /** What this call applied, in order; what another process was faster with is not here. */
  readonly applied: readonly PlanStep[]
}

/**
 * Brings a schema to what the store's modules ask for. With nothing to do it reads, and takes no lock.
 *
 * Each step is a transaction of its own: under a lock that one sync per schema holds, it reads again what is left and
 * does the first of it. So any number of processes may call this at once, and one that dies leaves a whole step or
 * nothing for the next. Nothing outlives a transaction: it works behind PgBouncer in transaction mode.
 *
 * @throws MigrationChanged, MigrationGap, SchemaNewer before anything is applied; MigrationFailed, which rolls its own
 *   migration back and leaves the earlier ones; PermissionDenied with what to grant; SchemaMissing with
 *   `createSchema: false`; LockTimeout; InvalidConfig; UnknownTenant.
 *
 * @example
 * ```ts
 * import { createStore } from '@rillflow/core'
 * import { sync } from '@rillflow/schema'
 *
 * const store = createStore({ connection: process.env.DATABASE_URL, modules: {} })
 * const { applied } = await sync(store)
 * console.log(`${applied.length} steps`)
 * ```
 */
export async function sync(store: object, options: SyncOptions = {}): Promise<SyncResult> {
  checkTurnOptions(options)
  const open = await openSchema(store, options)
  const { schema, tenant, logger, wanted } = open
  for (const warning of wanted.warnings) logger.warn({ schema }, warning)
  const context: OperationContext & { count: number } = { operation: 'migrate', schema, tenant, count: 0 }
  return traced(
    'migrate',
    () => context,
    async () => {
      const applied = await applyPending(open, options)
      context.count = applied.length
      return { schema, tenant, applied }
    },
  )
}

async function applyPending(open: OpenSchema, options: SyncOptions): Promise<readonly PlanStep[]> {
  const pending = pendingSteps(open.wanted, await open.read(open.connection))
  const applied: PlanStep[] = []
  while (applied.length < pending.length) {
    const step = await applyNext(open, options)
    if (step === undefined) break
    open.logger.info({ schema: open.schema, ...withoutSql(step) }, `${describeStep(step)}: applied`)
    applied.push(step)
  }
  return applied
}

/** Does the first step that is left when the lock is had; undefined when others did it all. */
async function applyNext(open: OpenSchema, options: SyncOptions): Promise<PlanStep | undefined> {
  const { connection, schema, wanted } = open
  return connection.transaction(async (client) => {
    const transactionId = await takeTurn(client, schema, options)
    const state = await open.read(client)
    const [step] = pendingSteps(wanted, state)
    if (step?.kind === 'createSchema' && options.createSchema === false) throw schemaMissing(schema)
    if (step !== undefined) await applyStep({ client, transactionId, state }, step)
    return step
  })
}

function schemaMissing(schema: string): SchemaMissingError {
  return new SchemaMissingError(
    `The schema ${JSON.stringify(schema)} does not exist, and sync was told not to make it (createSchema: false). ` +
      `Let an administrator run: create schema ${ident(schema)} authorization <the role of this store>.`,
    undefined,
  )
}

function withoutSql({ sql, ...step }: PlanStep): object {
  return { ...step, length: sql.length }
}
