import { InvalidArgumentError } from '@rillflow/core'
import { parseField } from '../collections/parse-field.js'
import type { FieldOf, FieldValue } from '../collections/field-types.js'
import type { Compilation } from './compile-condition.js'
import { bindPath } from './fields.js'

type Kind = 'count' | 'sum' | 'avg' | 'min' | 'max'

/** One figure over many documents. */
export interface Aggregate<Name extends Kind = Kind, Field extends string = string> {
  readonly kind: Name
  readonly field: Field
}

/** How many documents. */
export function count(): Aggregate<'count', never> {
  return { kind: 'count', field: '' as never }
}

/** The sum of a field over the documents where it is a number; 0 when there is none. */
export function sum<const Field extends string>(field: Field): Aggregate<'sum', Field> {
  return aggregate('sum', field)
}

/** The mean of a field over the documents where it is a number; undefined when there is none. */
export function avg<const Field extends string>(field: Field): Aggregate<'avg', Field> {
  return aggregate('avg', field)
}

/** The least number or text in a field, text before numbers; undefined when there is neither. */
export function min<const Field extends string>(field: Field): Aggregate<'min', Field> {
  return aggregate('min', field)
}

/** The greatest number or text in a field, numbers after text; undefined when there is neither. */
export function max<const Field extends string>(field: Field): Aggregate<'max', Field> {
  return aggregate('max', field)
}

function aggregate<Name extends Kind, Field extends string>(kind: Name, field: Field): Aggregate<Name, Field> {
  parseField(field)
  return { kind, field }
}

/** The fields that hold numbers. */
type NumberField<Document> = {
  [Field in FieldOf<Document>]: Extract<FieldValue<Document, Field>, number> extends never ? never : Field
}[FieldOf<Document>]

type OrderedField<Document> = {
  [Field in FieldOf<Document>]: Extract<FieldValue<Document, Field>, number | string> extends never ? never : Field
}[FieldOf<Document>]

/** What may be asked for, under names of your own. */
export type AggregateSpec<Document> = Readonly<
  Record<
    string,
    | Aggregate<'count', never>
    | Aggregate<'sum' | 'avg', NumberField<Document>>
    | Aggregate<'min' | 'max', OrderedField<Document>>
  >
>

/** What comes back, under the same names. */
export type Aggregated<Document, Spec> = {
  readonly [Name in keyof Spec]: Spec[Name] extends Aggregate<infer What, infer Field>
    ? What extends 'count' | 'sum'
      ? number
      : What extends 'avg'
        ? number | undefined
        : Extract<FieldValue<Document, Field>, number | string> | undefined
    : never
}

const maxAggregates = 32

/** Writes the columns of the figures: two for each, one over numbers and one over text. */
export function aggregateColumns(spec: Readonly<Record<string, Aggregate>>, to: Compilation): readonly string[] {
  const figures = Object.values(spec)
  if (figures.length === 0 || figures.length > maxAggregates) {
    throw new InvalidArgumentError('spec', `aggregate needs 1 to ${maxAggregates} figures.`)
  }
  return figures.flatMap(({ kind, field }, at) => {
    if (kind === 'count') return [`count(*)::text as n${at}`, `null::text as t${at}`]
    const path = bindPath(field, to.bindings)
    // The guard is inside a case, which alone keeps a cast from meeting what it cannot cast.
    const numbers = `case when jsonb_typeof(doc #> ${path}) = 'number' then (doc #> ${path})::numeric end`
    const texts = `case when jsonb_typeof(doc #> ${path}) = 'string' then doc #>> ${path} end`
    const overText = kind === 'min' || kind === 'max' ? `${kind}(${texts})` : 'null::text'
    return [`${kind}(${numbers})::text as n${at}`, `${overText} as t${at}`]
  })
}

/** Reads the columns of {@link aggregateColumns}. */
export function readAggregates(
  spec: Readonly<Record<string, Aggregate>>,
  columns: readonly (string | null)[],
): Record<string, unknown> {
  const figures = Object.entries(spec).map(([name, { kind }], at) => {
    const number = columns[2 * at] ?? undefined
    const text = columns[2 * at + 1] ?? undefined
    return [name, readFigure(kind, number === undefined ? undefined : Number(number), text)] as const
  })
  return Object.fromEntries(figures)
}

function readFigure(kind: Kind, number: number | undefined, text: string | undefined): number | string | undefined {
  if (kind === 'min') return text ?? number
  return kind === 'count' || kind === 'sum' ? (number ?? 0) : (number ?? text)
}
