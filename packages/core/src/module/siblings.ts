import type { ModuleKey } from './module-key.js'
import type { ModuleShape } from './module.js'

/** Where an API stands: on the pool, inside a transaction, or in a session. */
export type Place = 'store' | 'transaction' | 'session'

/** The other modules of a store, seen from one place. */
export interface Siblings<Where extends Place> {
  /** The module that a key in `requires` names: its API in the same place, and what it lends to modules. */
  find<Shape extends ModuleShape, Service>(key: ModuleKey<Shape, Service>): Sibling<Shape[Where], Service>
}

/** One of them. */
export interface Sibling<Api, Service> {
  readonly api: Api
  readonly service: Service
}
