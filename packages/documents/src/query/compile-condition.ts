import { encodeJson, InvalidArgumentError } from '@rillflow/core'
import { quote } from '../describe-document.js'
import type { Bindings } from './bindings.js'
import { compileOperator } from './compile-operator.js'
import { combinedKey, type AnyCombined, type AnyCondition } from './condition.js'
import { encodePresent } from './encode-operand.js'
import { bindPath, isContainable, nest, type Fields } from './fields.js'
import { operatorKey, type Operator } from './operators.js'
import { isParam } from './param.js'
import { fieldKey, fragmentKey, type FieldReference, type SqlFragment } from './sql-fragment.js'

/** How a query uses a field; what the index advisor goes by. */
export type Use = 'equal' | 'range' | 'contains' | 'search' | 'text' | 'other'

/** Everything that a condition is compiled with. */
export interface Compilation {
  readonly fields: Fields
  readonly bindings: Bindings
  /** Told of each field, by name and never by value. */
  uses(field: string, use: Use): void
}

const maxFields = 32
const maxDepth = 32

/**
 * Writes a condition as SQL.
 *
 * @throws InvalidArgument, UnstorableValue
 */
export function compileCondition(condition: AnyCondition, to: Compilation, depth = 0): string {
  if (depth > maxDepth) throw invalid(`Conditions are nested deeper than ${maxDepth} levels.`)
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) {
    throw invalid('A condition is an object of fields and values; {} finds every document.')
  }
  if (combinedKey in condition) return combine(condition, to, depth)
  if (fragmentKey in condition) return compileFragment(condition, to, depth)
  if (operatorKey in condition || isParam(condition)) throw invalid('An operator stands behind the name of a field.')
  return compileFilter(condition, to)
}

function combine(combined: AnyCombined, to: Compilation, depth: number): string {
  const parts = combined.conditions.map((condition) => compileCondition(condition, to, depth + 1))
  switch (combined[combinedKey]) {
    case 'and':
      return parts.length === 0 ? 'true' : `(${parts.join(' and ')})`
    case 'or':
      return parts.length === 0 ? 'false' : `(${parts.join(' or ')})`
    case 'not':
      // Not `not`: a comparison with an absent field is neither true nor false.
      return `((${parts.join('')}) is not true)`
  }
}

function compileFilter(filter: Readonly<Record<string, unknown>>, to: Compilation): string {
  const names = Object.keys(filter)
  if (names.length > maxFields)
    throw invalid(`The filter has ${names.length} fields; at most ${maxFields} are possible.`)
  if (names.length === 0) return 'true'
  return names.map((name) => compileField(name, filter[name], to)).join(' and ')
}

function compileField(name: string, value: unknown, to: Compilation): string {
  if (value === undefined) {
    throw invalid(
      `The filter's field ${quote(name)} is undefined. Leave it out to accept any value; null finds a stored null only.`,
    )
  }
  if (typeof value === 'object' && value !== null && operatorKey in value) {
    return compileOperator(name, (value as Operator)[operatorKey], to)
  }
  to.uses(name, 'equal')
  return compileEqual(name, value, to)
}

/** JSON equality, by the index that serves it. */
function compileEqual(name: string, value: unknown, { fields, bindings }: Compilation): string {
  const encode = isParam(value) ? encodePresent : encodeJson
  if (name === 'id' && (typeof value === 'string' || isParam(value))) {
    return `id = ${bindings.bind(value, encodeId)}::text`
  }
  if (fields.isIndexed(name) && value !== null) {
    const key = fields.sortKey(name, bindings)
    return `${key} = ${bindings.bind(value, encode)}::jsonb${fields.partial(name)}`
  }
  const equal = `(doc #> ${bindPath(name, bindings)}) = ${bindings.bind(value, encode)}::jsonb`
  if (!fields.hasGin || !isContainable(name)) return equal
  // Containment is less than equality for arrays and objects; the index finds by it, the comparison decides.
  return `(doc @> ${bindings.bind(value, (each) => nest(name, encode(each)))}::jsonb and ${equal})`
}

function encodeId(value: unknown): unknown {
  // Checked as JSON is: a NUL would be an error of the server.
  encodePresent(value)
  return value
}

function compileFragment(fragment: SqlFragment, to: Compilation, depth: number): string {
  const parts = fragment[fragmentKey].map((text, at) =>
    at === 0 ? text : `${compileValue(fragment.values[at - 1], to, depth)}${text}`,
  )
  // The line ends before the bracket, so that a comment at the end of the text does not swallow it.
  return `(${parts.join('')}\n)`
}

function compileValue(value: unknown, to: Compilation, depth: number): string {
  if (typeof value === 'object' && value !== null && !isParam(value)) {
    if (fieldKey in value) {
      const name = (value as FieldReference)[fieldKey]
      to.uses(name, 'other')
      return `(doc #> ${to.fields.path(name, to.bindings)})`
    }
    // Not a filter by itself: an object that came from outside would then mean more than a value.
    if (combinedKey in value || fragmentKey in value) return compileCondition(value, to, depth + 1)
  }
  return to.bindings.bind(value, encodeScalar)
}

function encodeScalar(value: unknown): unknown {
  if (value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    encodeJson(value)
    return String(value)
  }
  throw invalid(
    'sql`…` binds text, numbers, booleans and null. Write other values as JSON text and cast them, a filter as and(filter).',
  )
}

function invalid(message: string): InvalidArgumentError {
  return new InvalidArgumentError('filter', message)
}
