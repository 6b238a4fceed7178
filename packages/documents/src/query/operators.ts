import type { Operand } from './param.js'
import type { TextSearchLanguage } from '../collections/text-search.js'

export const operatorKey = Symbol.for('rillflow.operator')

/** One end of a range. */
export interface Bound {
  readonly value: unknown
  readonly inclusive: boolean
}

/** What an operator asks of a field. */
export type OperatorSpec =
  | { readonly kind: 'ne'; readonly value: unknown }
  | { readonly kind: 'oneOf'; readonly values: unknown }
  | { readonly kind: 'range'; readonly low?: Bound | undefined; readonly high?: Bound | undefined }
  | { readonly kind: 'contains'; readonly value: unknown }
  | { readonly kind: 'exists' }
  | { readonly kind: 'regex'; readonly value: unknown; readonly ignoreCase: boolean }
  | { readonly kind: 'startsWith' | 'ilike'; readonly value: unknown }
  | { readonly kind: 'search'; readonly value: unknown; readonly language: TextSearchLanguage | undefined }

/**
 * What a field is asked for, other than to equal a value. Only the functions of this package make one: no value that
 * came as JSON can pass for it.
 */
export interface Operator<Kind extends string = string, Value = unknown> {
  readonly [operatorKey]: OperatorSpec
  /** For the compiler alone; never there. */
  readonly asks?: { readonly kind: Kind; readonly value: Value }
}

function operator<Kind extends string, Value>(spec: OperatorSpec): Operator<Kind, Value> {
  return { [operatorKey]: spec }
}

/** The field does not equal the value, or is absent. */
export function ne<const Value>(value: Operand<Value>): Operator<'value', Value> {
  return operator({ kind: 'ne', value })
}

/** The field equals one of the values. */
export function oneOf<const Value>(values: Operand<readonly Value[]>): Operator<'value', Value> {
  return operator({ kind: 'oneOf', values: Array.isArray(values) ? [...(values as readonly Value[])] : values })
}

/** Numbers are compared with numbers, text with text; a date stands for the text of its `toISOString()`. */
export type NumberRange = Operator<'range', number>
export type TextRange = Operator<'range', string>

/** The field is a number greater than the value, or text after it. A field of another type is no match. */
export function gt(value: Operand<number>): NumberRange
export function gt(value: Operand<string | Date>): TextRange
export function gt(value: unknown): Operator<'range', never> {
  return operator({ kind: 'range', low: { value, inclusive: false } })
}

/** The field is the value or greater. A field of another type is no match. */
export function gte(value: Operand<number>): NumberRange
export function gte(value: Operand<string | Date>): TextRange
export function gte(value: unknown): Operator<'range', never> {
  return operator({ kind: 'range', low: { value, inclusive: true } })
}

/** The field is a number less than the value, or text before it. A field of another type is no match. */
export function lt(value: Operand<number>): NumberRange
export function lt(value: Operand<string | Date>): TextRange
export function lt(value: unknown): Operator<'range', never> {
  return operator({ kind: 'range', high: { value, inclusive: false } })
}

/** The field is the value or less. A field of another type is no match. */
export function lte(value: Operand<number>): NumberRange
export function lte(value: Operand<string | Date>): TextRange
export function lte(value: unknown): Operator<'range', never> {
  return operator({ kind: 'range', high: { value, inclusive: true } })
}

/** The field is one of the two values, or between them. A field of another type is no match. */
export function between(low: Operand<number>, high: Operand<number>): NumberRange
export function between(low: Operand<string | Date>, high: Operand<string | Date>): TextRange
export function between(low: unknown, high: unknown): Operator<'range', never> {
  return operator({ kind: 'range', low: { value: low, inclusive: true }, high: { value: high, inclusive: true } })
}

/**
 * The field is an array with an element for each one given, or an object with the properties given; objects and arrays
 * inside are compared in the same way.
 */
export function contains<const Value extends object>(value: Operand<Value>): Operator<'contains', Value> {
  return operator({ kind: 'contains', value })
}

/** The field is there, even if null. For those without it: `not({ field: exists() })`. */
export function exists(): Operator<'exists'> {
  return operator({ kind: 'exists' })
}

/** The field is text in which the pattern is found: a regular expression of PostgreSQL, not of JavaScript. */
export function regex(
  pattern: Operand<string>,
  options: { readonly ignoreCase?: boolean | undefined } = {},
): Operator<'text', string> {
  return operator({ kind: 'regex', value: pattern, ignoreCase: options.ignoreCase ?? false })
}

/** The field is text that begins with the prefix. */
export function startsWith(prefix: Operand<string>): Operator<'text', string> {
  return operator({ kind: 'startsWith', value: prefix })
}

/** The field is text that fits the pattern, upper and lower case alike: `%` any text, `_` any character, `\` escapes. */
export function ilike(pattern: Operand<string>): Operator<'text', string> {
  return operator({ kind: 'ilike', value: pattern })
}

/**
 * The text in the field, at any depth, has the words: as in a web search, with `or`, `-without` and `"in a row"`.
 *
 * The language is the one of the field's `fullText` index unless told, else `simple`, which changes no word.
 */
export function search(
  words: Operand<string>,
  options: { readonly language?: TextSearchLanguage | undefined } = {},
): Operator<'search'> {
  return operator({ kind: 'search', value: words, language: options.language })
}
