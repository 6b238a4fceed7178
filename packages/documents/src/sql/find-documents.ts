import { defineStatement, encodeJson, InvalidArgumentError, literal, type Statement } from '@rillflow/core'
import { fieldExpression, notNull } from '../collections/declare-index.js'
import type { IndexDefinition } from '../collections/index-definition.js'
import { parseField, toTextArray } from '../collections/parse-field.js'
import { quote } from '../describe-document.js'

/** What to find: every field must equal its value. */
export interface FindQuery {
  readonly filter: Readonly<Record<string, unknown>>
  readonly limit?: number | undefined
}

/** One equality: its SQL around the parameters that it binds. */
interface Condition {
  /** Tells conditions of another SQL apart; two of the same kind have the same text. */
  readonly kind: string
  readonly values: readonly unknown[]
  sql(parameter: () => string): string
}

type Prepared = ReturnType<typeof defineStatement>

const maxFields = 32

/** Beyond that many different texts for one collection, further ones are sent unnamed: servers keep named ones for good. */
const maxTexts = 100

/**
 * Makes the statements that find the documents of one collection.
 *
 * Only the collection and the fields that it declares an index on are in the text, as constants that the planner can
 * match; every other field and every value is a parameter.
 */
export function findStatements(
  collection: string,
  indexes: readonly IndexDefinition[],
): (schema: string, query: FindQuery) => Statement {
  const indexed = new Map(indexes.flatMap((index) => index.fields.map((field) => [field, index] as const)))
  const prepared = new Map<string, Prepared>()

  return (schema, { filter, limit }) => {
    const conditions = toConditions(filter, indexed)
    const kind = JSON.stringify([limit !== undefined, ...conditions.map((condition) => condition.kind)])
    const known = prepared.get(kind)
    const make = known ?? defineStatement('find', (name) => text(name, collection, conditions, limit !== undefined))
    const named = known !== undefined || prepared.size < maxTexts
    if (named) prepared.set(kind, make)
    const values = [
      ...conditions.flatMap((condition) => condition.values),
      ...(limit === undefined ? [] : [`${limit}`]),
    ]
    const statement = make(schema, values)
    return named ? statement : { ...statement, name: undefined }
  }
}

function text(schema: string, collection: string, conditions: readonly Condition[], limited: boolean): string {
  let used = 0
  const parameter = (): string => `$${(used += 1)}`
  const where = conditions.map((condition) => ` and ${condition.sql(parameter)}`).join('')
  const limit = limited ? ` limit ${parameter()}::bigint` : ''
  return `select doc::text as doc from ${schema}.docs
where collection = ${literal(collection)} and deleted_at is null${where} order by id${limit}`
}

/** Sorted by field, so that the order in which a caller writes them makes no second text. */
function toConditions(filter: FindQuery['filter'], indexed: ReadonlyMap<string, IndexDefinition>): Condition[] {
  const fields = Object.keys(filter).toSorted()
  if (fields.length > maxFields) {
    throw new InvalidArgumentError(
      'filter',
      `The filter has ${fields.length} fields; at most ${maxFields} are possible.`,
    )
  }
  return fields.map((field) => toCondition(field, filter[field], indexed.get(field)))
}

function toCondition(field: string, value: unknown, index: IndexDefinition | undefined): Condition {
  if (value === undefined) {
    throw new InvalidArgumentError(
      'filter',
      `The filter's field ${quote(field)} is undefined. Leave it out to accept any value; null finds a stored null only.`,
    )
  }
  const json = encodeJson(value)
  if (field === 'id' && typeof value === 'string') return byId(value)
  return index === undefined ? byAnyField(field, json) : byIndexedField(field, json, index)
}

function byId(id: string): Condition {
  return { kind: 'id', values: [id], sql: (parameter) => `id = ${parameter()}::text` }
}

function byIndexedField(field: string, json: string, { unique }: IndexDefinition): Condition {
  const partial = unique && json !== 'null'
  return {
    kind: `${partial ? 'unique' : 'index'} ${field}`,
    values: [json],
    sql: (parameter) => `${fieldExpression(field)} = ${parameter()}::jsonb${partial ? ` and ${notNull(field)}` : ''}`,
  }
}

function byAnyField(field: string, json: string): Condition {
  return {
    kind: 'any',
    values: [toTextArray(parseField(field)), json],
    sql: (parameter) => `(doc #> ${parameter()}::text[]) = ${parameter()}::jsonb`,
  }
}
