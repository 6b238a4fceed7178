import { defineStatement, type Statement } from '@rillflow/core'
import type { FilterCondition } from './event-filter.js'
import type { Direction, ReadAllOptions } from './read-options.js'
import { eventColumns } from './stored-row.js'

/** A page of the feed. */
export interface FeedPage {
  readonly direction: Direction
  /** Positions beyond this one … */
  readonly after: number
  /** … up to this one, itself included. */
  readonly to: number
  readonly limit: number | undefined
  /** Alternatives of conditions; none for everything. */
  readonly filters: readonly (readonly FilterCondition[])[]
  /** Columns that have an index together with the position. */
  readonly indexed: readonly IndexedColumn[]
  /** Events of streams in one of these states are left out. */
  readonly hidden?: readonly HiddenState[] | undefined
}

/** A state of streams that readers may leave out. */
export type HiddenState = 'archived' | 'tombstoned'

/** The states whose streams these options leave out. */
export function hiddenStates(options: Pick<ReadAllOptions, HiddenState>): readonly HiddenState[] {
  return (['archived', 'tombstoned'] as const).filter((state) => options[state] === 'exclude')
}

/** What an index beside the one on positions can be declared for. */
export type IndexedColumn = 'type' | 'category' | 'correlationId'

type MakeStatement = ReturnType<typeof defineStatement>

/** One text for each shape of filter, whatever its values. */
const made = new Map<string, MakeStatement>()

/** More branches than this cost more in planning than the index saves. */
const maxBranches = 16

/**
 * The statement of one page, in the order of positions. One filter over streams walks those streams; one over a column
 * with an index of its own walks that, a branch for each name, merged without a sort; all others walk the positions.
 */
export function readAllStatement(schema: string, page: FeedPage): Statement {
  const { direction, filters, indexed, hidden = [] } = page
  const order = direction === 'forward' ? 'asc' : 'desc'
  const [only] = filters.length === 1 ? filters : []
  const shape =
    only === undefined
      ? scan(order, filters)
      : (walkStreams(order, only) ?? walkIndex(order, only, indexed) ?? scan(order, filters))
  const key = `${shape.key} ${hidden.join('+')}`
  let make = made.get(key)
  if (make === undefined) {
    make = defineStatement(`read_all_${order}`, (quoted) => shape.build(quoted, rangeOf(quoted, hidden)))
    made.set(key, make)
  }
  const statement = make(schema, [page.after, page.to, page.limit ?? null, ...shape.values])
  return shape.planForValues === true ? { ...statement, name: undefined } : statement
}

interface Shape {
  readonly key: string
  readonly build: (schema: string, range: string) => string
  readonly values: readonly unknown[]
  /**
   * Sends it unprepared. A prepared statement is soon planned for any name and any range alike: where there are few
   * names, that plan walks all positions, and for a rare one reads the whole table. Planning costs little beside a page.
   */
  readonly planForValues?: boolean
}

type Order = 'asc' | 'desc'

/**
 * The positions of a page. Each event asks for its stream by a subquery that stands for itself: as a join the planner
 * could take the streams first, and would then have to sort.
 */
function rangeOf(schema: string, hidden: readonly HiddenState[]): string {
  const range = 'e.position > $1::bigint and e.position <= $2::bigint'
  if (hidden.length === 0) return range
  const open = hidden.map((state) => `s.${state}_at is null`).join(' and ')
  return `${range} and (select ${open} from ${schema}.streams s where s.stream_id = e.stream_id)`
}

/**
 * SQL for the partition, from 0, of the stream with this number, of `count` in all. The numbers themselves would not do:
 * every append to a stream that exists draws one too, and leaves it unused. The product of 31 bits and a prime of 32 fits
 * a bigint, and its middle bits depend on all bits of the number.
 */
export function partitionOf(streamNo: string, count: string): string {
  return `((((${streamNo} & 2147483647) * 2654435761) >> 16) & 65535) % ${count}`
}

const tests: Readonly<Record<FilterCondition['column'], (parameter: string) => string>> = {
  types: (p) => `e.type = any(${p}::text[])`,
  categories: (p) => `e.category = any(${p}::text[])`,
  streamIds: (p) => `e.stream_id = any(${p}::text[])`,
  streamPrefix: (p) => `starts_with(e.stream_id, ${p}::text)`,
  correlationId: (p) => `e.correlation_id = ${p}::text`,
  partition: (p) => `${partitionOf('e.stream_no', `(${p}::bigint[])[1]`)} = (${p}::bigint[])[2]`,
}

function scan(order: Order, filters: FeedPage['filters']): Shape {
  const values: unknown[] = []
  const alternatives = filters.map((conditions) => all(conditions, values))
  const where = alternatives.length === 0 ? '' : ` and (${alternatives.map((one) => `(${one})`).join(' or ')})`
  return {
    key: `scan ${order} ${filters.map((conditions) => conditions.map(({ column }) => column).join('+')).join('|')}`,
    build: (schema, range) =>
      `select ${eventColumns} from ${schema}.events e where ${range}${where} order by e.position ${order} limit $3::bigint`,
    values,
  }
}

/** Each stream gives its next events by its own index; the page is the first of all of them. */
function walkStreams(order: Order, conditions: readonly FilterCondition[]): Shape | undefined {
  const streams = conditions.find(({ column }) => column === 'streamIds')
  if (streams === undefined) return undefined
  const rest = conditions.filter((condition) => condition !== streams)
  const values: unknown[] = [textArray(streams.value as readonly string[])]
  const where = rest.length === 0 ? '' : ` and ${all(rest, values)}`
  return {
    key: `streams ${order} ${rest.map(({ column }) => column).join('+')}`,
    // Within a stream versions rise with positions, so its own index gives its events in the order of positions.
    build: (schema, range) => `select ${eventColumns}
  from ${schema}.streams s cross join lateral (
    select * from ${schema}.events e where e.stream_no = s.stream_no and ${range}${where}
    order by e.version ${order} limit $3::bigint) e
  where s.stream_id = any($4::text[]) order by e.position ${order} limit $3::bigint`,
    values,
    planForValues: true,
  }
}

const indexable: readonly {
  readonly column: FilterCondition['column']
  readonly index: IndexedColumn
  readonly name: string
}[] = [
  { column: 'correlationId', index: 'correlationId', name: 'correlation_id' },
  { column: 'types', index: 'type', name: 'type' },
  { column: 'categories', index: 'category', name: 'category' },
]

/** A branch for each name reads its index in order; a merge of branches that are in order needs no sort. */
function walkIndex(
  order: Order,
  conditions: readonly FilterCondition[],
  indexed: readonly IndexedColumn[],
): Shape | undefined {
  const found = indexable.find(
    ({ column, index }) => indexed.includes(index) && conditions.some((one) => one.column === column),
  )
  const driving = conditions.find(({ column }) => column === found?.column)
  if (found === undefined || driving === undefined) return undefined
  const names = [driving.value].flat()
  if (names.length > maxBranches) return undefined
  const rest = conditions.filter((condition) => condition !== driving)
  const values: unknown[] = [...names]
  const where = rest.length === 0 ? '' : ` and ${all(rest, values)}`
  return {
    key: `index ${order} ${found.name} ${names.length} ${rest.map(({ column }) => column).join('+')}`,
    build: (schema, range) => {
      const branches = names.map(
        (_, i) => `(select * from ${schema}.events e
    where e.${found.name} = $${4 + i}::text and ${range}${where} order by e.position ${order} limit $3::bigint)`,
      )
      return `select ${eventColumns} from (${branches.join(' union all ')}) e order by e.position ${order} limit $3::bigint`
    },
    values,
    planForValues: true,
  }
}

/** Conditions that all hold; their values are put at the end of `values`, which stand from $4 on. */
function all(conditions: readonly FilterCondition[], values: unknown[]): string {
  return conditions
    .map(({ column, value }) => {
      values.push(typeof value === 'string' ? value : textArray(value))
      return tests[column](`$${3 + values.length}`)
    })
    .join(' and ')
}

/** An array as PostgreSQL writes it: the same for every driver. */
function textArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/[\\"]/g, '\\$&')}"`).join(',')}}`
}
