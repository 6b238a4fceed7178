import { InvalidArgumentError } from '@rillflow/core'
import { checkText } from '../append/check-text.js'

/** Which events are read. What is named must all hold; of several filters, one. */
export interface EventFilter<Type extends string = string> {
  readonly types?: readonly Type[] | undefined
  readonly categories?: readonly string[] | undefined
  readonly streamIds?: readonly string[] | undefined
  /** Streams whose id begins with this. */
  readonly streamPrefix?: string | undefined
  readonly correlationId?: string | undefined
}

/** One condition of a filter, as SQL over `events e` and the value it binds. */
export interface FilterCondition {
  readonly column: 'types' | 'categories' | 'streamIds' | 'streamPrefix' | 'correlationId' | 'partition'
  /** An array of texts, or one text; of a partition, the number of all and its own. */
  readonly value: readonly string[] | string
}

const lists = ['types', 'categories', 'streamIds'] as const
const texts = ['streamPrefix', 'correlationId'] as const

/**
 * Checks filters and takes them apart: conditions that all hold, for each alternative. None for "everything".
 *
 * @throws InvalidArgument for a filter that names nothing, an empty list, or a field that does not exist: each of them
 * would silently match everything or nothing.
 */
export function readFilters(
  filter: EventFilter | readonly EventFilter[] | undefined,
): readonly (readonly FilterCondition[])[] {
  if (filter === undefined) return []
  const filters = (Array.isArray(filter) ? filter : [filter]) as readonly EventFilter[]
  if (filters.length === 0) throw refuse('is an empty list; leave it out to read everything')
  return filters.map(readFilter)
}

function readFilter(filter: EventFilter): readonly FilterCondition[] {
  if (typeof filter !== 'object' || filter === null) throw refuse('must be an object, or a list of objects')
  const known: readonly string[] = [...lists, ...texts]
  const unknown = Object.keys(filter).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw refuse(`has no field ${JSON.stringify(unknown.slice(0, 50))}; it has ${known.join(', ')}`)
  const conditions = [
    ...lists.flatMap((column) => readList(column, filter)),
    ...texts.flatMap((column) => readText(column, filter)),
  ]
  if (conditions.length === 0) throw refuse('names nothing; leave it out to read everything')
  return conditions
}

function readList(column: (typeof lists)[number], filter: EventFilter): readonly FilterCondition[] {
  const value: unknown = filter[column]
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length === 0) throw refuse(`${column} must be a list of at least one`)
  for (const text of value as readonly unknown[]) checkText(column, text)
  // A name given twice would be read twice.
  return [{ column, value: [...new Set(value as readonly string[])] }]
}

function readText(column: (typeof texts)[number], filter: EventFilter): readonly FilterCondition[] {
  const value: unknown = filter[column]
  if (value === undefined) return []
  checkText(column, value)
  return [{ column, value }]
}

function refuse(what: string): InvalidArgumentError {
  return new InvalidArgumentError('filter', `filter ${what}.`)
}
