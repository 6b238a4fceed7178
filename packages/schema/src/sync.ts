import { traced, type OperationContext } from '@rillflow/core'
import { checkTurnOptions, type TurnOptions } from './database/take-turn.js'
import { openSchema, type TargetOptions } from './open-schema.js'
import { applyPending } from './sync/apply-pending.js'
import type { PlanStep } from './steps/plan-step.js'

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
 * The indexes of tables that hold rows are built `concurrently`: each as a single statement outside a transaction, while
 * reads and writes go on; other syncs of the schema wait. A build that was killed is found by the next sync, taken away
 * and made again; an index whose definition is not the declared one is replaced.
 *
 * @throws MigrationChanged, MigrationGap, SchemaNewer before anything is applied; MigrationFailed, which rolls its own
 *   migration back and leaves the earlier ones; IndexFailed; PermissionDenied with what to grant; SchemaMissing with
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
