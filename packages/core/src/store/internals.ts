import type { Connection } from '../connection/connection.js'
import type { SchemaComponent } from '../module/schema-component.js'
import type { Logger } from '../observability/logger.js'
import type { Tenancy } from '../tenancy/tenancy.js'
import { InvalidArgumentError } from '../errors/usage-errors.js'

const key = Symbol.for('rillflow.internals')

/** What Rillflow's own packages may know of a store; nothing that an application needs. */
export interface StoreInternals {
  readonly connection: Connection
  readonly tenancy: Tenancy
  readonly logger: Logger
  /** What the modules ask of the database, each component once. */
  readonly components: readonly SchemaComponent[]
}

/** Puts the internals on a store, out of sight of its type and of anything that lists its keys. */
export function attachInternals(store: object, internals: StoreInternals): void {
  Object.defineProperty(store, key, { value: internals })
}

/** The internals of a store; the door for `@rillflow/schema` and the tools. */
export function internalsOf(store: object): StoreInternals {
  const found = (store as { readonly [key]?: StoreInternals })[key]
  if (found === undefined) throw new InvalidArgumentError('store', 'The argument is not a store made by createStore.')
  return found
}
