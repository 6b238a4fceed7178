import { parseField } from './parse-field.js'

/** An index that a collection declares over its documents. */
export interface IndexDefinition<Field extends string = string> {
  readonly fields: readonly Field[]
  readonly unique: boolean
}

/** What an index does beyond finding. */
export interface IndexOptions {
  /**
   * True refuses a second document with the same value (`UniqueConflict`). Absent fields and nulls never collide, and
   * deleted documents do not count.
   */
  readonly unique?: boolean | undefined
}

/**
 * Declares an index over one field, dotted if nested; `find` on that field uses it.
 *
 * The collection checks that its schema has the field. Making it is the work of `sync` in `@rillflow/schema`.
 *
 * @throws InvalidArgument when the field is empty, holds NUL, or is over 1,024 bytes.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { defineCollection, index } from '@rillflow/documents'
 *
 * const Customer = defineCollection('customers', {
 *   schema: typed<{ id: string; email: string; address: { city: string } }>(),
 *   indexes: [index('email', { unique: true }), index('address.city')],
 * })
 * ```
 */
export function index<const Field extends string>(field: Field, options: IndexOptions = {}): IndexDefinition<Field> {
  parseField(field)
  return { fields: [field], unique: options.unique ?? false }
}
