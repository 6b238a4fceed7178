import type { WantedIndex } from '../components/wanted-index.js'
import type { WantedMigration, WantedModule } from '../components/wanted-schema.js'
import type { AppliedMigration, SchemaState } from '../database/read-state.js'
import { indexCondition, type IndexCondition, type Proofs } from './index-condition.js'

/** What the code asks for, next to what the database has. */
export interface ModuleComparison {
  readonly module: string
  /** Recorded, and known to the code. */
  readonly applied: readonly AppliedMigration[]
  /** Those of the applied ones whose text is another one now. */
  readonly changed: readonly AppliedMigration[]
  readonly pending: readonly WantedMigration[]
  /** Recorded, and not known to the code. */
  readonly unknown: readonly AppliedMigration[]
  readonly indexes: readonly { readonly wanted: WantedIndex; readonly condition: IndexCondition }[]
}

/** Compares one module with the state of the schema; finds everything and refuses nothing. */
export function compareModule(wanted: WantedModule, state: SchemaState, proofs: Proofs): ModuleComparison {
  const recorded = state.applied.filter((migration) => migration.module === wanted.module)
  const byNumber = new Map(wanted.migrations.map((migration) => [migration.number, migration]))
  const done = new Set(recorded.map((migration) => migration.number))
  const applied = recorded.filter((migration) => byNumber.has(migration.number))
  return {
    module: wanted.module,
    applied,
    changed: applied.filter((migration) => byNumber.get(migration.number)?.checksum !== migration.checksum),
    pending: wanted.migrations.filter((migration) => !done.has(migration.number)),
    unknown: recorded.filter((migration) => !byNumber.has(migration.number)),
    indexes: wanted.indexes.map((index) => ({
      wanted: index,
      condition: indexCondition(index, state.indexes.get(index.name), proofs),
    })),
  }
}
