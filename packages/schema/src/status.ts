import { openSchema, type TargetOptions } from './open-schema.js'
import { compareModule, type ModuleComparison } from './steps/compare-module.js'
import type { IndexCondition } from './steps/index-condition.js'
import { indexSteps } from './steps/index-steps.js'
import { proveIndexes } from './steps/prove-indexes.js'

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
  /** Those that are being built, or whose build did not end well: they serve no query. */
  readonly invalidIndexes: readonly string[]
  /** Those that have another definition than the declared one; a sync builds the declared one and drops the other. */
  readonly changedIndexes: readonly string[]
  /** Those that somebody else made, and that this role may not compare: {@link verify} says which right it takes. */
  readonly unknownIndexes: readonly string[]
}

/** Where a schema stands. */
export interface Status {
  readonly schema: string
  readonly tenant: string | undefined
  /** True when a sync would find nothing to do and nothing to refuse; {@link verify} looks at every definition. */
  readonly upToDate: boolean
  readonly modules: readonly ModuleStatus[]
  /** Modules that the schema has tables of and this store does not use; they are left alone. */
  readonly otherModules: readonly string[]
}

/**
 * Tells where each module of the store stands in its schema. It changes nothing, and reports what {@link sync} would refuse
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
  const open = await openSchema(store, options)
  const { connection, schema, tenant, wanted } = open
  const state = await open.read(connection)
  const { proofs } = await proveIndexes(open, state)
  const modules = wanted.modules.map((module) => compareModule(module, state, proofs))
  const indexesDone = modules.every(({ module, indexes }) =>
    indexes.every((index) => indexSteps({ module, wanted: index.wanted, state, proofs }).length === 0),
  )
  const known = new Set(modules.map((module) => module.module))
  const recorded = new Set(state.applied.map((migration) => migration.module))
  return {
    schema,
    tenant,
    upToDate: state.tableExists && indexesDone && modules.every(isUpToDate),
    modules: modules.map(toStatus),
    otherModules: [...recorded].filter((module) => !known.has(module)),
  }
}

function isUpToDate({ changed, pending, unknown, indexes }: ModuleComparison): boolean {
  const proven = indexes.every(({ condition }) => condition !== 'unknown')
  return proven && [changed, pending, unknown].every((found) => found.length === 0)
}

function toStatus({ module, applied, changed, pending, unknown, indexes }: ModuleComparison): ModuleStatus {
  const named = (condition: IndexCondition): readonly string[] =>
    indexes.filter((index) => index.condition === condition).map(({ wanted }) => wanted.name)
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
    missingIndexes: named('missing'),
    invalidIndexes: named('invalid'),
    changedIndexes: named('different'),
    unknownIndexes: named('unknown'),
  }
}
