import { compareObjects, type Difference, type OtherObject } from './catalog/compare-objects.js'
import { readBeside } from './catalog/expected-objects.js'
import type { WantedMigration, WantedModule } from './components/wanted-schema.js'
import type { AppliedMigration, SchemaState } from './database/read-state.js'
import { openSchema, type TargetOptions } from './open-schema.js'
import { compareModule } from './steps/compare-module.js'

/** How a schema differs from what its modules make. */
export interface Verification {
  readonly schema: string
  readonly tenant: string | undefined
  /** True when there is no difference at all. */
  readonly upToDate: boolean
  readonly differences: readonly Difference[]
  /** Tables and the like of other programs; they are no difference. */
  readonly others: readonly OtherObject[]
}

/**
 * Compares a schema with what the code's migrations and declared indexes yield, down to columns, defaults, constraints,
 * index definitions, functions and triggers, and the record of what ran.
 *
 * The migrations run in a scratch schema, in one transaction that is rolled back; the same queries read both schemas. So
 * it changes nothing, but the role must be allowed to create a schema. What was added to a table of the store is a
 * difference as well: an index that is not declared any more, a trigger, a column.
 *
 * @throws PermissionDenied with what to grant; MigrationFailed; InvalidConfig; UnknownTenant.
 *
 * @example
 * ```ts ignore
 * const { upToDate, differences } = await verify(store)
 * for (const { kind, name, expected, actual } of differences) console.log(kind, name, expected, actual)
 * process.exitCode = upToDate ? 0 : 3
 * ```
 */
export async function verify(store: object, options: TargetOptions = {}): Promise<Verification> {
  const { connection, schema, tenant, wanted, read } = await openSchema(store, options)
  const state = await read(connection)
  const { differences, others } = compareObjects(await readBeside(connection, wanted, state))
  const migrations = wanted.modules.flatMap((module) => migrationDifferences(module, state))
  const found = [...migrations, ...differences]
  return { schema, tenant, upToDate: found.length === 0, differences: found, others }
}

/** A migration may leave no trace in the catalogs, so the record is compared by itself. */
function migrationDifferences(wanted: WantedModule, state: SchemaState): readonly Difference[] {
  const { module, changed, pending, unknown } = compareModule(wanted, state, new Map())
  const described = ({ number, name }: WantedMigration | AppliedMigration) => ({
    kind: 'migration' as const,
    name: `${module} ${number} ${name}`,
  })
  const textOf = (applied: AppliedMigration) => wanted.migrations.find(({ number }) => number === applied.number)
  return [
    ...changed.map((applied) => ({
      ...described(applied),
      expected: textOf(applied)?.checksum,
      actual: applied.checksum,
    })),
    ...pending.map((migration) => ({ ...described(migration), expected: migration.checksum, actual: undefined })),
    ...unknown.map((migration) => ({ ...described(migration), expected: undefined, actual: migration.checksum })),
  ]
}
