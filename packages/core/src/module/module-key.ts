import type { ModuleShape } from './module.js'

/**
 * Names a module for those that build on it: its package exports the key, and they find it by that in a store. The types
 * are of the module's APIs, and of what it lends to other modules.
 */
export interface ModuleKey<Shape extends ModuleShape = ModuleShape, Service = unknown> {
  /** The package that makes the module: `@rillflow/events`. */
  readonly name: string
  /** Never there; it carries the types. */
  readonly types?: { readonly shape: Shape; readonly service: Service } | undefined
}
