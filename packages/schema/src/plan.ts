import { openSchema, type TargetOptions } from './open-schema.js'
import { pendingSteps } from './steps/pending-steps.js'
import type { PlanStep } from './steps/plan-step.js'
import { planText } from './steps/plan-text.js'
import { proveIndexes } from './steps/prove-indexes.js'
import { undeclaredIndexes } from './steps/undeclared-indexes.js'

/** What a sync would do. */
export interface Plan {
  readonly schema: string
  readonly tenant: string | undefined
  /** In the order in which they run. */
  readonly steps: readonly PlanStep[]
  /**
   * All of it as one script for psql, recorded as a sync records it; empty when nothing is left. It is one transaction, but
   * for the indexes of tables with rows: those stand outside.
   */
  readonly sql: string
  /** What looks wrong and stops nothing; among them the indexes that are not declared any more, and how to drop them. */
  readonly warnings: readonly string[]
}

/**
 * Tells what {@link sync} would do, and changes nothing: it reads the catalogs and the migrations table, without a lock,
 * and needs no right to create. Only an index that somebody else made is compared as {@link verify} does, in a
 * transaction that is rolled back.
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
  const open = await openSchema(store, options)
  const { connection, schema, tenant, wanted } = open
  const state = await open.read(connection)
  const { proofs, warnings } = await proveIndexes(open, state)
  const steps = pendingSteps(wanted, state, proofs)
  return {
    schema,
    tenant,
    steps,
    sql: planText(schema, steps),
    warnings: [...wanted.warnings, ...warnings, ...undeclaredIndexes(wanted, state)],
  }
}
