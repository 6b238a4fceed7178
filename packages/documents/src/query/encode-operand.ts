import { encodeJson, InvalidArgumentError } from '@rillflow/core'
import { toTextArray } from '../collections/parse-field.js'
import { nest } from './fields.js'

/** A value that is not null: of a parameter, because the text of a query is made before its values are known. */
export function encodePresent(value: unknown): string {
  if (value !== null) return encodeJson(value)
  throw new InvalidArgumentError('params', 'null cannot be a parameter; write it into the query itself.')
}

/** Several values, as a jsonb[]. */
export function encodeList(values: unknown): string {
  return toTextArray(toList(values).map(encodePresent))
}

/** Several texts, as a text[]; what is no text equals none. */
export function encodeTexts(values: unknown): string {
  return toTextArray(toList(values).flatMap((value) => (typeof value === 'string' ? [encodeText(value)] : [])))
}

/** Several documents that have one of the values in a field, as a jsonb[]. */
export function encodeNested(field: string): (values: unknown) => string {
  return (values) => toTextArray(toList(values).map((value) => nest(field, encodePresent(value))))
}

function toList(values: unknown): readonly unknown[] {
  if (Array.isArray(values)) return values as readonly unknown[]
  throw new InvalidArgumentError('filter', 'oneOf needs an array of values.')
}

/** Text that PostgreSQL can hold. */
export function encodeText(value: unknown): string {
  if (typeof value !== 'string') throw new InvalidArgumentError('filter', 'The operator needs text.')
  encodeJson(value)
  return value
}

/** An array or object; a single value would be found in arrays by one form of containment and not by the other. */
export function encodeContained(value: unknown): string {
  if (typeof value === 'object' && value !== null) return encodeJson(value)
  throw new InvalidArgumentError('filter', 'contains needs an array of elements or an object of properties.')
}

/** A pattern of LIKE; one that ends in the middle of an escape would be an error of the server. */
export function encodePattern(value: unknown): string {
  const text = encodeText(value)
  if (/(?<!\\)(?:\\\\)*\\$/.test(text)) {
    throw new InvalidArgumentError(
      'filter',
      'The pattern of ilike ends with a single backslash; write two to find one.',
    )
  }
  return text
}

/**
 * Where the numbers begin and end among the values of jsonb, and the texts: text, numbers, booleans, in this order.
 *
 * Within them a comparison meets its own type alone. The lowest number is beyond what JavaScript has.
 */
const lowestNumber = '-1e400'
const lowestText = '""'
const lowestBoolean = 'false'

/** One end of a range: a number, text, or a date as the text of its ISO form. */
export function encodeBound(value: unknown): string {
  if (value instanceof Date) return encodeJson(toIso(value))
  if (typeof value === 'number' || typeof value === 'string') return encodeJson(value)
  throw new InvalidArgumentError('filter', 'A range needs numbers, text or dates.')
}

/** Where the type of an end of a range begins and ends. */
export const encodeLowest = (end: unknown): string => (typeof end === 'number' ? lowestNumber : lowestText)
export const encodeHighest = (end: unknown): string => (typeof end === 'number' ? lowestBoolean : lowestNumber)

/** One end of a range of ids, which are text. */
export function encodeIdBound(value: unknown): string {
  return encodeText(value instanceof Date ? toIso(value) : value)
}

function toIso(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('filter', 'A range needs a valid date.')
  return date.toISOString()
}
