import { openSchema, type TargetOptions } from './open-schema.js'
import { compareModule, type ModuleComparison } from './steps/compare-module.js'

/** A migration that the database has. */
export interface AppliedStatus {
  readonly number: number
  readonly name: string
  readonly appliedAt: Date
  /** True when the code has another text for it than the one that ran: a sync refuses. */
  readonly changed: boolean
}

/** Where one module stands. */
export interface ModuleStatus {
  readonly module: string
  readonly applied: readonly AppliedStatus[]
  readonly pending: readonly { readonly number: number; readonly name: string }[]
  /** Migrations of a newer release than this code: a sync refuses. */
  readonly unknown: readonly { readonly number: number; readonly name: string; readonly appliedAt: Date }[]
  /** The names of the declared indexes that are not there. */
  readonly missingIndexes: readonly string[]
}

/** Where a schema stands. */
export interface Status {
  readonly schema: string
  readonly tenant: string | undefined
  /** True when a sync would find nothing to do and nothing to refuse. */
  readonly upToDate: boolean
  readonly modules: readonly ModuleStatus[]
  /** Modules that the schema has tables of and this store does not use; they are left alone. */
  readonly otherModules: readonly string[]
}

/**
 * Tells where each module of the store stands in its schema. It only reads, and reports what {@link sync} would refuse
 * instead of throwing it.
 *
 * @throws InvalidConfig, PermissionDenied, UnknownTenant
 *
 * @example
 * ```ts ignore
 * if (!(await status(store)).upToDate) throw new Error('run the migrations first')
 * ```
 */
export async function status(store: object, options: TargetOptions = {}): Promise<Status> {
  const { connection, schema, tenant, wanted, read } = await openSchema(store, options)
  const state = await read(connection)
  const modules = wanted.modules.map((module) => compareModule(module, state))
  const known = new Set(modules.map((module) => module.module))
  const recorded = new Set(state.applied.map((migration) => migration.module))
  return {
    schema,
    tenant,
    upToDate: state.tableExists && modules.every(isUpToDate),
    modules: modules.map(toStatus),
    otherModules: [...recorded].filter((module) => !known.has(module)),
  }
}

function isUpToDate({ changed, pending, unknown, missingIndexes }: ModuleComparison): boolean {
  return [changed, pending, unknown, missingIndexes].every((found) => found.length === 0)
}

function toStatus({ module, applied, changed, pending, unknown, missingIndexes }: ModuleComparison): ModuleStatus {
  return {
    module,
    applied: applied.map((migration) => ({
      number: migration.number,
      name: migration.name,
      appliedAt: migration.appliedAt,
      changed: changed.includes(migration),
    })),
    pending: pending.map(({ number, name }) => ({ number, name })),
    unknown: unknown.map(({ number, name, appliedAt }) => ({ number, name, appliedAt })),
    missingIndexes: missingIndexes.map((index) => index.name),
  }
}
