import { InvalidArgumentError } from '@rillflow/core'
import { parseField } from '../collections/parse-field.js'

export const fragmentKey = Symbol.for('rillflow.sql')
export const fieldKey = Symbol.for('rillflow.field')

/** SQL of your own, with its values apart from it. */
export interface SqlFragment {
  readonly [fragmentKey]: readonly string[]
  readonly values: readonly unknown[]
}

/** A field inside SQL of your own. */
export interface FieldReference {
  readonly [fieldKey]: string
}

/** What may stand in SQL of your own: a value to be bound, a field, a parameter, a fragment, or `and`, `or`, `not`. */
export type SqlValue = string | number | boolean | null | object

/**
 * A condition in SQL of your own, for what the operators do not reach. Every value is bound; joined conditions and other
 * fragments are put in as they are, so that they compose. The document is `doc` (jsonb), beside `id`, `version`,
 * `created_at`, `updated_at` and `deleted_at`.
 *
 * @example
 * ```ts ignore
 * store.docs.orders.find(sql`jsonb_array_length(${field('lines')}) > ${3}::int and ${or({ state: 'open' })}`)
 * ```
 */
export function sql(text: TemplateStringsArray, ...values: readonly SqlValue[]): SqlFragment {
  if (text.some((part) => part === undefined || part.includes('\0'))) {
    throw new InvalidArgumentError('sql', 'The text of sql`…` holds a NUL character or an escape that is none.')
  }
  return { [fragmentKey]: [...text], values }
}

/**
 * A field, dotted if nested, as jsonb inside {@link sql}; `${field('name')} #>> '{}'` is its text.
 *
 * @throws InvalidArgument
 */
export function field(name: string): FieldReference {
  parseField(name)
  return { [fieldKey]: name }
}
