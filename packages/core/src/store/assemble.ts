import type { InstalledModule } from '../module/module.js'
import type { Place, Siblings } from '../module/siblings.js'

/** A module in one store. */
export interface NamedModule {
  /** The package that it comes from. */
  readonly name: string
  readonly installed: InstalledModule
}

/** The modules of a store, under the names that the user gives them. */
export type InstalledModules = ReadonlyMap<string, NamedModule>

/**
 * Makes what each module has in one place; `apiOf` takes the API out of what was made. One that builds on another finds
 * it made, and comes behind it, whatever the order of the store: in a session it is flushed behind it too.
 */
export function assemble<Made, Where extends Place>(
  modules: InstalledModules,
  make: (module: InstalledModule, siblings: Siblings<Where>) => Made,
  apiOf: (made: Made) => unknown,
): ReadonlyMap<string, Made> {
  const keys = new Map([...modules].map(([key, module]) => [module, key]))
  const made = new Map<string, { readonly value: Made }>()
  const makeOnce = (module: NamedModule): Made => {
    const key = keys.get(module) as string
    const before = made.get(key)
    if (before !== undefined) return before.value
    const value = make(module.installed, siblings)
    made.set(key, { value })
    return value
  }
  const siblings: Siblings<Where> = {
    find: ({ name }) => {
      // `createStore` has checked that it is there, once.
      const module = [...modules.values()].find((each) => each.name === name) as NamedModule
      // The key says of which types they are; TypeScript cannot follow a name.
      return { api: apiOf(makeOnce(module)), service: module.installed.service } as never
    },
  }
  for (const module of modules.values()) makeOnce(module)
  return new Map([...made].map(([key, { value }]) => [key, value]))
}
