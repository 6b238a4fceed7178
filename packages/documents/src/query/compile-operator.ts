import { regconfig } from '../collections/text-search.js'
import type { Compilation } from './compile-condition.js'
import {
  encodeBound,
  encodeContained,
  encodeHighest,
  encodeIdBound,
  encodeList,
  encodeLowest,
  encodeNested,
  encodePattern,
  encodePresent,
  encodeText,
  encodeTexts,
} from './encode-operand.js'
import { bindPath, isContainable, nest } from './fields.js'
import type { OperatorSpec } from './operators.js'
import { isParam } from './param.js'

type Spec<Kind extends OperatorSpec['kind']> = Extract<OperatorSpec, { readonly kind: Kind }>

/**
 * Writes an operator on a field as SQL. None of them raises an error, whatever a document holds.
 *
 * @throws InvalidArgument, UnstorableValue
 */
export function compileOperator(name: string, spec: OperatorSpec, to: Compilation): string {
  switch (spec.kind) {
    case 'ne':
      to.uses(name, 'other')
      // Distinct, so that an absent field counts as another value.
      return `(doc #> ${bindPath(name, to.bindings)}) is distinct from ${to.bindings.bind(spec.value, encodeJsonOrParam(spec.value))}::jsonb`
    case 'oneOf':
      to.uses(name, 'equal')
      return compileOneOf(name, spec, to)
    case 'range':
      to.uses(name, 'range')
      return name === 'id' ? compileIdRange(spec, to) : compileRange(name, spec, to)
    case 'contains':
      to.uses(name, 'contains')
      return compileContains(name, spec, to)
    case 'exists':
      to.uses(name, 'other')
      return `(doc #> ${bindPath(name, to.bindings)}) is not null`
    case 'regex':
      return compileText(name, { operator: spec.ignoreCase ? '~*' : '~', value: spec.value, encode: encodeText }, to)
    case 'ilike':
      return compileText(name, { operator: 'ilike', value: spec.value, encode: encodePattern }, to)
    case 'startsWith':
      return compileStartsWith(name, spec, to)
    case 'search':
      return compileSearch(name, spec, to)
  }
}

function encodeJsonOrParam(value: unknown): (value: unknown) => string {
  return isParam(value) ? encodePresent : (each) => (each === null ? 'null' : encodePresent(each))
}

function compileOneOf(name: string, { values }: Spec<'oneOf'>, to: Compilation): string {
  const { fields, bindings } = to
  if (name === 'id') return `id = any(${bindings.bind(values, encodeTexts)}::text[])`
  const withNull = Array.isArray(values) && values.includes(null)
  const present: unknown = Array.isArray(values) ? values.filter((value) => value !== null) : values
  const listed = fields.isIndexed(name)
    ? `${fields.sortKey(name, bindings)} = any(${bindings.bind(present, encodeList)}::jsonb[])${fields.partial(name)}`
    : compileUnindexedOneOf(name, present, to)
  return withNull ? `((${listed}) or (doc #> ${bindPath(name, bindings)}) = 'null'::jsonb)` : listed
}

function compileUnindexedOneOf(name: string, values: unknown, { fields, bindings }: Compilation): string {
  const equal = `(doc #> ${bindPath(name, bindings)}) = any(${bindings.bind(values, encodeList)}::jsonb[])`
  if (!fields.hasGin || !isContainable(name)) return equal
  return `(doc @> any(${bindings.bind(values, encodeNested(name))}::jsonb[]) and ${equal})`
}

/** Beside each end that is given stands the opposite end of its type, which keeps other types out. */
function compileRange(name: string, { low, high }: Spec<'range'>, { fields, bindings }: Compilation): string {
  const key = fields.sortKey(name, bindings)
  const ends: string[] = []
  const end = (comparison: string, value: unknown, encode: (value: unknown) => string): void =>
    void ends.push(`${key} ${comparison} ${bindings.bind(value, encode)}::jsonb`)
  if (low !== undefined) {
    end(low.inclusive ? '>=' : '>', low.value, encodeBound)
    end('<', low.value, encodeHighest)
  }
  if (high !== undefined) {
    end(high.inclusive ? '<=' : '<', high.value, encodeBound)
    end('>=', high.value, encodeLowest)
  }
  return `${ends.join(' and ')}${fields.partial(name)}`
}

function compileIdRange({ low, high }: Spec<'range'>, { bindings }: Compilation): string {
  const ends = [
    low && `id ${low.inclusive ? '>=' : '>'} ${bindings.bind(low.value, encodeIdBound)}::text`,
    high && `id ${high.inclusive ? '<=' : '<'} ${bindings.bind(high.value, encodeIdBound)}::text`,
  ]
  return ends.filter((end) => end !== undefined).join(' and ')
}

function compileContains(name: string, { value }: Spec<'contains'>, { fields, bindings }: Compilation): string {
  if (fields.hasGin && isContainable(name)) {
    return `doc @> ${bindings.bind(value, (each) => nest(name, encodeContained(each)))}::jsonb`
  }
  return `(doc #> ${bindPath(name, bindings)}) @> ${bindings.bind(value, encodeContained)}::jsonb`
}

interface TextComparison {
  readonly operator: '~' | '~*' | 'ilike'
  readonly value: unknown
  readonly encode: (value: unknown) => string
}

function compileText(name: string, { operator, value, encode }: TextComparison, to: Compilation): string {
  to.uses(name, 'text')
  const path = bindPath(name, to.bindings)
  const pattern = `${to.bindings.bind(value, encode)}::text`
  return `(jsonb_typeof(doc #> ${path}) = 'string' and (doc #>> ${path}) ${operator} ${pattern})`
}

function compileStartsWith(name: string, { value }: Spec<'startsWith' | 'ilike'>, to: Compilation): string {
  to.uses(name, 'text')
  const path = bindPath(name, to.bindings)
  const prefix = `${to.bindings.bind(value, encodeText)}::text`
  return `(jsonb_typeof(doc #> ${path}) = 'string' and starts_with(doc #>> ${path}, ${prefix}))`
}

function compileSearch(name: string, { value, language }: Spec<'search'>, to: Compilation): string {
  to.uses(name, 'search')
  const chosen = language ?? to.fields.languageOf(name) ?? 'simple'
  const words = to.fields.words(name, chosen, to.bindings)
  return `${words} @@ websearch_to_tsquery(${regconfig(chosen)}, ${to.bindings.bind(value, encodeText)}::text)`
}
