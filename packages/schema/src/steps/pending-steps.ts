import { ident } from '@rillflow/core'
import type { WantedMigration, WantedSchema } from '../components/wanted-schema.js'
import { createMigrationTable } from '../database/migration-table.js'
import type { SchemaState } from '../database/read-state.js'
import { MigrationChangedError, MigrationGapError, SchemaNewerError } from '../errors.js'
import { renderSql } from '../render-sql.js'
import { compareModule, type ModuleComparison } from './compare-module.js'
import type { Proofs } from './index-condition.js'
import { indexSteps } from './index-steps.js'
import type { MigrationStep, PlanStep } from './plan-step.js'

/**
 * What is left to do, in order: the schema, the migrations table, each module's migrations by number, and then the
 * declared indexes, which may stand on any of the tables. Of an index that is not proven yet, nothing is said.
 *
 * @throws MigrationChanged, SchemaNewer, MigrationGap
 */
export function pendingSteps(wanted: WantedSchema, state: SchemaState, proofs: Proofs): readonly PlanStep[] {
  const { schema } = state
  const modules = wanted.modules.map((module) => compareModule(module, state, proofs))
  refuse(schema, modules)
  const steps: PlanStep[] = []
  if (!state.schemaExists) steps.push({ kind: 'createSchema', sql: `create schema ${ident(schema)};` })
  if (!state.tableExists) steps.push({ kind: 'createMigrationTable', sql: createMigrationTable(schema) })
  for (const { module, pending } of modules) {
    steps.push(...pending.map((migration) => migrationStep(schema, module, migration)))
  }
  for (const { module, indexes } of modules) {
    steps.push(...indexes.flatMap((index) => indexSteps({ module, wanted: index.wanted, state, proofs })))
  }
  return steps
}

/** Every module is looked at before anything is done for any. */
function refuse(schema: string, modules: readonly ModuleComparison[]): void {
  const changed = modules.flatMap((module) => module.changed)[0]
  if (changed !== undefined) throw new MigrationChangedError(schema, changed)
  const unknown = modules.flatMap((module) => module.unknown)
  if (unknown.length > 0) throw new SchemaNewerError(schema, unknown)
  for (const { module, pending, applied } of modules) {
    const last = applied.at(-1)?.number ?? 0
    const skipped = pending.find((migration) => migration.number < last)
    if (skipped !== undefined) throw new MigrationGapError(schema, { ...skipped, module }, last)
  }
}

function migrationStep(schema: string, module: string, migration: WantedMigration): MigrationStep {
  const { number, name, checksum, sql } = migration
  return { kind: 'migration', module, number, name, checksum, sql: renderSql(sql, schema) }
}
