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
 * Makes what each module has in one place, in the order of the store. One that builds on another finds it made, whichever
 * comes first; `apiOf` takes the API out of what was made.
 */
export function assemble<Made, Where extends Place>(
  modules: InstalledModules,
  make: (module: InstalledModule, siblings: Siblings<Where>) => Made,
  apiOf: (made: Made) => unknown,
): ReadonlyMap<string, Made> {
  const made = new Map<NamedModule, { readonly value: Made }>()
  const makeOnce = (module: NamedModule): Made => {
    const before = made.get(module)
    if (before !== undefined) return before.value
    const value = make(module.installed, siblings)
    made.set(module, { value })
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
  return new Map([...modules].map(([key, module]) => [key, makeOnce(module)]))
}
