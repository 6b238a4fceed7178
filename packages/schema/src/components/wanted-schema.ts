import { InvalidConfigError, type DeclaredIndex, type Migration, type SchemaComponent } from '@rillflow/core'
import { checksum } from './checksum.js'
import { wantedIndex, type WantedIndex } from './wanted-index.js'

/** A migration that the code has. */
export interface WantedMigration extends Migration {
  readonly checksum: string
}

/** What one package asks of the database. */
export interface WantedModule {
  readonly module: string
  readonly migrations: readonly WantedMigration[]
  readonly indexes: readonly WantedIndex[]
}

/** What a store asks of the database, checked. */
export interface WantedSchema {
  readonly modules: readonly WantedModule[]
  readonly warnings: readonly string[]
}

/**
 * Checks the components of a store against each other.
 *
 * @throws InvalidConfig when migrations are not numbered 1, 2, 3 …, or when two indexes of one name differ.
 */
export function wantedSchema(components: readonly SchemaComponent[]): WantedSchema {
  const warnings: string[] = []
  if (components.length === 0) warnings.push('The store has no module that asks for tables.')
  const seen = new Map<string, DeclaredIndex>()
  const modules = components.map((component): WantedModule => {
    if (component.migrations.length === 0) warnings.push(`The module ${show(component.module)} brings no migrations.`)
    return {
      module: component.module,
      migrations: checkMigrations(component),
      indexes: (component.indexes ?? []).filter((index) => isFirst(index, seen, warnings)).map(wantedIndex),
    }
  })
  return { modules, warnings }
}

function checkMigrations({ module, migrations }: SchemaComponent): readonly WantedMigration[] {
  return migrations.map((migration, place) => {
    if (migration.number !== place + 1) {
      throw new InvalidConfigError(
        `The migrations of ${show(module)} must be numbered from 1 without holes, in order: expected ${place + 1} ` +
          `at place ${place + 1}, actual ${migration.number} (${show(migration.name)}).`,
      )
    }
    if (typeof migration.sql !== 'string') {
      throw new InvalidConfigError(
        `Migration ${migration.number} of ${show(module)} has no SQL text: its .sql file must be loaded as text.`,
      )
    }
    return { ...migration, checksum: checksum(migration.sql) }
  })
}

/** Two sets of documents may declare the same index; two different ones under one name cannot both be had. */
function isFirst(index: DeclaredIndex, seen: Map<string, DeclaredIndex>, warnings: string[]): boolean {
  const before = seen.get(index.name)
  seen.set(index.name, before ?? index)
  if (before === undefined) return true
  if (before.definition !== index.definition || before.unique !== index.unique) {
    throw new InvalidConfigError(
      `Two different indexes are declared under the name ${show(index.name)}; a name is unique in its schema. Rename one.`,
    )
  }
  warnings.push(`The index ${show(index.name)} is declared twice; it is made once.`)
  return false
}

function show(name: string): string {
  return JSON.stringify(name)
}
