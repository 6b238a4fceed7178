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
  /** As it is declared. */
  readonly name: string
  readonly table: string
  /** What it is built as: another name than the declared one while an index that differs still has that. */
  readonly index: string
  /** True on a table that holds rows: outside a transaction, while reads and writes go on. */
  readonly concurrently: boolean
  readonly sql: string
  /** The statement that follows: the comment by which the index is known to have this definition. */
  readonly mark: string
}

/** Drops, outside a transaction, what is left of a build that did not end well, or an index that was replaced. */
export interface DropIndexStep {
  readonly kind: 'dropIndex'
  readonly module: string
  readonly name: string
  readonly table: string
  readonly index: string
  readonly reason: 'invalid' | 'replaced'
  readonly concurrently: true
  readonly sql: string
}

/** Gives the declared name to the index that was built to replace the one that has it. */
export interface SwapIndexStep {
  readonly kind: 'swapIndex'
  readonly module: string
  readonly name: string
  readonly table: string
  readonly sql: string
}

/** Puts the comment on an index that was found to have the declared definition. */
export interface MarkIndexStep {
  readonly kind: 'markIndex'
  readonly module: string
  readonly name: string
  readonly table: string
  readonly sql: string
}

/** A step that is about a declared index. */
export type IndexStep = CreateIndexStep | DropIndexStep | SwapIndexStep | MarkIndexStep

/** One that PostgreSQL runs outside a transaction alone. */
export type ConcurrentStep = DropIndexStep | (CreateIndexStep & { readonly concurrently: true })

/** One thing that a sync does: in a transaction of its own, unless it says `concurrently`. */
export type PlanStep = CreateSchemaStep | CreateMigrationTableStep | MigrationStep | IndexStep

/** Tells whether a step runs outside a transaction. */
export function isConcurrent(step: PlanStep): step is ConcurrentStep {
  return 'concurrently' in step && step.concurrently
}

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
      return step.index === step.name ? describeIndex(step) : `The replacement of ${describeIndex(step)}`
    case 'dropIndex':
      return `Dropping the ${step.reason} form of ${describeIndex(step)}`
    case 'swapIndex':
      return `Putting its replacement in the place of ${describeIndex(step)}`
    case 'markIndex':
      return `Marking ${describeIndex(step)} as checked`
  }
}

function describeIndex({ name, module }: IndexStep): string {
  return `Index ${JSON.stringify(name)} of ${JSON.stringify(module)}`
}
