import { InvalidArgumentError } from '@rillflow/core'
import { parseField } from './parse-field.js'
import { regconfig, type TextSearchLanguage } from './text-search.js'

/** Equality, ranges and order on fields. */
export interface FieldIndex<Field extends string = string> {
  readonly kind: 'field'
  readonly fields: readonly Field[]
  readonly unique: boolean
}

/** Equality, `oneOf` and `contains` on whatever field. */
export interface GinIndex {
  readonly kind: 'gin'
  readonly fields: readonly never[]
  readonly unique: false
}

/** The words in a field. */
export interface FullTextIndex<Field extends string = string> {
  readonly kind: 'fullText'
  readonly fields: readonly Field[]
  readonly unique: false
  readonly language: TextSearchLanguage
}

/** An index that a collection declares over its documents. */
export type IndexDefinition<Field extends string = string> = FieldIndex<Field> | GinIndex | FullTextIndex<Field>

/** What an index does beyond finding. */
export interface IndexOptions {
  /**
   * True refuses a second document with the same value (`UniqueConflict`). Absent fields and nulls never collide, and
   * deleted documents do not count.
   */
  readonly unique?: boolean | undefined
}

/** PostgreSQL's limit is 32 columns, the id among them. */
const maxFields = 31

/**
 * Declares an index over one field or several, dotted if nested. It serves equality on the first ones and then a range
 * or the order on the next one.
 *
 * The collection checks that its schema has the fields. Making it is the work of `sync` in `@rillflow/schema`.
 *
 * @throws InvalidArgument when a field is empty, holds NUL, or is over 1,024 bytes, or when they are none or over 31.
 *
 * @example
 * ```ts
 * import { typed } from '@rillflow/core'
 * import { defineCollection, index } from '@rillflow/documents'
 *
 * const Customer = defineCollection('customers', {
 *   schema: typed<{ id: string; email: string; tier: string; address: { city: string } }>(),
 *   indexes: [index('email', { unique: true }), index(['tier', 'address.city'])],
 * })
 * ```
 */
export function index<const Field extends string>(
  fields: Field | readonly Field[],
  options: IndexOptions = {},
): FieldIndex<Field> {
  const list = typeof fields === 'string' ? [fields] : [...fields]
  for (const field of list) parseField(field)
  if (list.length === 0 || list.length > maxFields || new Set(list).size < list.length) {
    throw new InvalidArgumentError('fields', `An index has 1 to ${maxFields} fields, each of them once.`)
  }
  return { kind: 'field', fields: list, unique: options.unique ?? false }
}

/**
 * Declares one index over the whole documents: it serves equality, `oneOf` and `contains` on every field, but neither
 * ranges nor order, and costs each write more than an index on a field.
 */
export function gin(): GinIndex {
  return { kind: 'gin', fields: [], unique: false }
}

/** Declares an index over the words in a field, at any depth, for `search`; the language is `simple` unless told. */
export function fullText<const Field extends string>(
  field: Field,
  options: { readonly language?: TextSearchLanguage | undefined } = {},
): FullTextIndex<Field> {
  parseField(field)
  const language = options.language ?? 'simple'
  regconfig(language)
  return { kind: 'fullText', fields: [field], unique: false, language }
}
