import { openSchema, type TargetOptions } from './open-schema.js'
import { pendingSteps } from './steps/pending-steps.js'
import type { PlanStep } from './steps/plan-step.js'
import { planText } from './steps/plan-text.js'

/** What a sync would do. */
export interface Plan {
  readonly schema: string
  readonly tenant: string | undefined
  /** In the order in which they run. */
  readonly steps: readonly PlanStep[]
  /** All of it as one script for psql, in one transaction, recorded as a sync records it; empty when nothing is left. */
  readonly sql: string
  /** What looks wrong in the store's modules and stops nothing. */
  readonly warnings: readonly string[]
}

/**
 * Tells what {@link sync} would do, and changes nothing: it reads the catalogs and the migrations table, without a lock,
 * and needs no right to create.
 *
 * @throws MigrationChanged, MigrationGap, SchemaNewer where a sync would refuse; InvalidConfig; UnknownTenant.
 *
 * @example
 * ```ts ignore
 * const { sql } = await plan(store)
 * await writeFile('rillflow.sql', sql) // then: psql -f rillflow.sql
 * ```
 */
export async function plan(store: object, options: TargetOptions = {}): Promise<Plan> {
  const { connection, schema, tenant, wanted, read } = await openSchema(store, options)
  const steps = pendingSteps(wanted, await read(connection))
  return { schema, tenant, steps, sql: planText(schema, steps), warnings: wanted.warnings }
}
