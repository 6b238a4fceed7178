import type { FieldOf, FieldValue } from '../collections/field-types.js'
import type { Operator } from './operators.js'
import type { Param } from './param.js'
import type { SqlFragment } from './sql-fragment.js'

/**
 * Fields and what each is asked for, all of them: a value that it must equal, or an operator.
 *
 * Equality is JSON's: 5 is not '5', null is a stored null and no absent field, an object equals one with the same
 * properties and nothing more.
 */
export type Filter<Document> = {
  readonly [Field in FieldOf<Document>]?:
    FieldValue<Document, Field> | Param<FieldValue<Document, Field>> | OperatorFor<FieldValue<Document, Field>>
}

type OperatorFor<Value> =
  | Operator<'value', Value>
  | Operator<'exists'>
  | Operator<'search'>
  | (Extract<Value, number> extends never ? never : Operator<'range', number>)
  | (Extract<Value, string> extends never ? never : Operator<'range', string> | Operator<'text', string>)
  | Operator<'contains', Containable<Extract<Value, object>>>

/** What may be contained: elements of an array, properties of an object, at any depth. */
type Containable<Value> = Value extends readonly (infer Element)[]
  ? readonly Containable<Element>[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: Containable<Value[Key]> }
    : Value

export const combinedKey = Symbol.for('rillflow.condition')

/** Conditions joined by `and`, `or` or `not`. */
export interface Combined<Document> {
  readonly [combinedKey]: 'and' | 'or' | 'not'
  readonly conditions: readonly Condition<Document>[]
}

/** What a document is asked for: a filter, several joined, or SQL of your own. */
export type Condition<Document> = Filter<Document> | Combined<Document> | SqlFragment

/** Any condition, its document unknown. */
export type AnyCondition = Readonly<Record<string, unknown>> | AnyCombined | SqlFragment

/** Joined conditions, their document unknown. */
export interface AnyCombined {
  readonly [combinedKey]: 'and' | 'or' | 'not'
  readonly conditions: readonly AnyCondition[]
}

/** All of the conditions; with none, every document. */
export function and<Document>(...conditions: readonly Condition<Document>[]): Combined<Document> {
  return { [combinedKey]: 'and', conditions }
}

/**
 * At least one of the conditions; with none, no document.
 *
 * @example
 * ```ts ignore
 * store.docs.customers.find(or({ tier: 'pro' }, { visits: gt(100) }))
 * ```
 */
export function or<Document>(...conditions: readonly Condition<Document>[]): Combined<Document> {
  return { [combinedKey]: 'or', conditions }
}

/** Exactly the documents that the condition leaves out: also those without its fields. */
export function not<Document>(condition: Condition<Document>): Combined<Document> {
  return { [combinedKey]: 'not', conditions: [condition] }
}
