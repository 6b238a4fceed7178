import { RillflowError } from '@rillflow/core'

/** Names one migration, in errors and reports. */
export interface MigrationName {
  readonly module: string
  readonly number: number
  readonly name: string
}

/** An applied migration has another text in the code than the one that ran; nothing was applied. */
export class MigrationChangedError extends RillflowError<'MigrationChanged'> {
  readonly schema: string
  readonly module: string
  readonly number: number
  /** The migration's own name; the class is told by `code`. */
  readonly migration: string

  constructor(schema: string, migration: MigrationName) {
    super(
      `${describeMigration(migration)} ran on schema ${JSON.stringify(schema)} with another text than this code has. ` +
        'An applied migration never changes: give it its old text back, and put the change into a new migration.',
      { code: 'MigrationChanged' },
    )
    this.schema = schema
    this.module = migration.module
    this.number = migration.number
    this.migration = migration.name
  }
}

/** A migration that is not applied comes before one that is; nothing was applied. */
export class MigrationGapError extends RillflowError<'MigrationGap'> {
  readonly schema: string
  readonly module: string
  readonly number: number
  readonly migration: string

  constructor(schema: string, missing: MigrationName, later: number) {
    super(
      `${describeMigration(missing)} is not recorded in schema ${JSON.stringify(schema)}, and number ${later} after it ` +
        'is. Migrations run in order: restore the row that the migrations table lost, or number the new one last.',
      { code: 'MigrationGap' },
    )
    this.schema = schema
    this.module = missing.module
    this.number = missing.number
    this.migration = missing.name
  }
}

/** The database has migrations that this code does not know: a newer release was there; nothing was applied. */
export class SchemaNewerError extends RillflowError<'SchemaNewer'> {
  readonly schema: string
  readonly unknown: readonly MigrationName[]

  constructor(schema: string, unknown: readonly MigrationName[]) {
    super(
      `Schema ${JSON.stringify(schema)} is newer than this code, which does not know: ` +
        `${unknown.map(describeMigration).join(', ')}. Update the Rillflow packages of this program to the release that made them.`,
      { code: 'SchemaNewer' },
    )
    this.schema = schema
    this.unknown = unknown
  }
}

/** A migration was refused by the database and rolled back whole; `cause` is the driver's error. */
export class MigrationFailedError extends RillflowError<'MigrationFailed'> {
  readonly schema: string
  readonly module: string
  readonly number: number
  readonly migration: string

  constructor(message: string, options: MigrationName & { readonly schema: string; readonly cause: unknown }) {
    super(message, { code: 'MigrationFailed', cause: options.cause })
    this.schema = options.schema
    this.module = options.module
    this.number = options.number
    this.migration = options.name
  }
}

/** A declared index was refused by the database, most often because of the rows; nothing half-made is left. */
export class IndexFailedError extends RillflowError<'IndexFailed'> {
  readonly schema: string
  readonly module: string
  readonly table: string
  /** As it is declared. */
  readonly index: string
  /** `23505` when rows hold the same value twice; undefined when it was not the server that refused. */
  readonly sqlState: string | undefined

  constructor(
    message: string,
    options: {
      readonly schema: string
      readonly module: string
      readonly table: string
      readonly index: string
      readonly sqlState: string | undefined
      readonly cause: unknown
    },
  ) {
    super(message, { code: 'IndexFailed', cause: options.cause })
    this.schema = options.schema
    this.module = options.module
    this.table = options.table
    this.index = options.index
    this.sqlState = options.sqlState
  }
}

/** How a migration is named to people: `Migration 2 ("streams") of "events"`. */
export function describeMigration(migration: MigrationName): string {
  return `Migration ${migration.number} (${JSON.stringify(migration.name)}) of ${JSON.stringify(migration.module)}`
}
