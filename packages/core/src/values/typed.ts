import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * A schema that has a type and checks nothing: the visible way to opt out of validation.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 *
 * const OrderShipped = typed<{ carrier: string }>()
 * ```
 */
export function typed<Value>(): StandardSchemaV1<Value, Value> {
  return { '~standard': { version: 1, vendor: 'rillflow', validate: (value) => ({ value: value as Value }) } }
}
