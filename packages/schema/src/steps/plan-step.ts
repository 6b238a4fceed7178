import { describeMigration } from '../errors.js'

/** Makes the schema. */
export interface CreateSchemaStep {
  readonly kind: 'createSchema'
  readonly sql: string
}

/** Makes the table that records what ran. */
export interface CreateMigrationTableStep {
  readonly kind: 'createMigrationTable'
  readonly sql: string
}

/** Runs one migration and records it. */
export interface MigrationStep {
  readonly kind: 'migration'
  readonly module: string
  readonly number: number
  readonly name: string
  readonly checksum: string
  /** The final text, without the statement that records it. */
  readonly sql: string
}

/** Makes an index that the user's definitions declare. */
export interface CreateIndexStep {
  readonly kind: 'createIndex'
  readonly module: string
  readonly name: string
  readonly sql: string
}

/** One thing that a sync does, in a transaction of its own. */
export type PlanStep = CreateSchemaStep | CreateMigrationTableStep | MigrationStep | CreateIndexStep

/** How a step is named to people. */
export function describeStep(step: PlanStep): string {
  switch (step.kind) {
    case 'createSchema':
      return 'Creating the schema'
    case 'createMigrationTable':
      return 'Creating the migrations table'
    case 'migration':
      return describeMigration(step)
    case 'createIndex':
      return `Index ${JSON.stringify(step.name)} of ${JSON.stringify(step.module)}`
  }
}
