import { ContractMismatchError, InvalidConfigError } from '../errors/usage-errors.js'
import { moduleContract, type Module, type ModuleHost } from '../module/module.js'
import type { SchemaComponent } from '../module/schema-component.js'
import type { InstalledModules } from './assemble.js'
import type { ModuleRecord } from './store.js'

/** Names that a store, a session or a transaction has already; `then` would make it look like a promise. */
const reserved = new Set([
  'clear',
  'close',
  'context',
  'pending',
  'saveChanges',
  'session',
  'setContext',
  'sql',
  'tenant',
  'then',
  'transaction',
  'withContext',
])

/** Checks that the pieces fit together, before anything is made of them. */
export function checkModules(modules: ModuleRecord): void {
  for (const [key, module] of Object.entries(modules)) {
    if (reserved.has(key)) {
      throw new InvalidConfigError(
        `A module cannot be called ${key}: the store has that name itself. Choose another key.`,
      )
    }
    checkModule(key, module)
  }
  for (const [key, module] of Object.entries(modules)) {
    for (const { name } of module.requires ?? []) checkRequired(modules, { key, name })
  }
}

function checkRequired(modules: ModuleRecord, { key, name }: { key: string; name: string }): void {
  const found = Object.entries(modules).filter(([, module]) => module.name === name)
  if (found.length === 1) return
  const why =
    found.length === 0
      ? `which this store does not have. Add its module to modules: { … }.`
      : `which this store has twice, as ${found.map(([each]) => each).join(' and ')}. Leave one of them.`
  throw new InvalidConfigError(`modules.${key} (${modules[key]?.name}) builds on ${name}, ${why}`)
}

function checkModule(key: string, module: Partial<Module>): void {
  if (typeof module?.install !== 'function') {
    throw new InvalidConfigError(`modules.${key} is not a Rillflow module: call its function, as in events({ … }).`)
  }
  if (module.contract !== moduleContract) {
    throw new ContractMismatchError(
      `modules.${key} (${module.name}) was built against module contract ${module.contract}; this @rillflow/core has ` +
        `${moduleContract}. Update the older of the two, and make sure that only one version of core is installed.`,
    )
  }
}

/** Installs every module, in the order of the record. */
export function installModules(modules: ModuleRecord, host: ModuleHost): InstalledModules {
  return new Map(
    Object.entries(modules).map(([key, module]) => [key, { name: module.name, installed: module.install(host) }]),
  )
}

/** What all modules ask of the database; a component that two of them share counts once. */
export function collectComponents(modules: ModuleRecord): readonly SchemaComponent[] {
  const byModule = new Map<string, SchemaComponent>()
  for (const component of Object.values(modules).flatMap((module) => module.components)) {
    const before = byModule.get(component.module)
    byModule.set(component.module, before === undefined ? component : join(before, component))
  }
  return [...byModule.values()]
}

/** Two modules of one kind, such as two sets of documents, share the tables and bring their own indexes. */
function join(one: SchemaComponent, other: SchemaComponent): SchemaComponent {
  return { ...one, indexes: [...(one.indexes ?? []), ...(other.indexes ?? [])] }
}
