import { defineStatement, InvalidArgumentError, type Scope, type Statement } from '@rillflow/core'
import { checkText } from '../append/check-text.js'
import { pagedReader } from '../read/event-reader.js'
import { checkCount, defaultPageSize } from '../read/read-options.js'
import { prefixEnd } from './prefix-end.js'
import { infoColumns, toStreamInfo, type InfoRow, type StreamInfo } from './stream-info.js'

/** Which streams are listed. */
export interface ListStreamsOptions {
  /**
   * Only streams of this category. No index knows categories: streams of others are read and passed over, those with the
   * prefix or all.
   */
  readonly category?: string | undefined
  /** Only streams whose id begins with this: a range of the primary key. */
  readonly prefix?: string | undefined
  /** Archived streams too, not at all, or no others; `include` unless told. */
  readonly archived?: StreamChoice | undefined
  /** Tombstoned streams too, not at all, or no others; `exclude` unless told. */
  readonly tombstoned?: StreamChoice | undefined
  /** Only ids behind this one, which need not exist; for the next page of a list. */
  readonly after?: string | undefined
  /** The most streams; all unless told. */
  readonly limit?: number | undefined
  /** How many streams an iteration fetches at a time; 500 unless told. */
  readonly pageSize?: number | undefined
}

/** Whether streams in some state are listed with the others, left out, or listed alone. */
export type StreamChoice = 'include' | 'exclude' | 'only'

/** Streams in the byte order of their ids: iterate them in constant memory, or take them all at once. */
export interface StreamList extends AsyncIterable<StreamInfo> {
  /** Reads everything in one round trip; mind the memory when there are many. */
  toArray(): Promise<readonly StreamInfo[]>
}

type ListRow = readonly [streamId: string, ...info: InfoRow]

/** Lists streams by pages, each beginning behind the last id of the one before. */
export function listStreams(scope: Scope, options: ListStreamsOptions): StreamList {
  checkOptions(options)
  const { limit, pageSize = defaultPageSize } = options
  return pagedReader<StreamInfo, string>(
    async (last, size) => {
      const { schema } = await scope.target()
      const { rows } = await scope.query<ListRow>(
        listStatement(schema, options, { after: last ?? options.after, size }),
      )
      const streams = rows.map(([streamId, ...info]) => toStreamInfo(streamId, info))
      return { events: streams, rows: rows.length, last: streams.at(-1)?.streamId }
    },
    { pageSize, limit },
  )
}

function checkOptions(options: ListStreamsOptions): void {
  for (const argument of ['category', 'prefix', 'after'] as const) {
    if (options[argument] !== undefined) checkText(argument, options[argument])
  }
  checkCount('limit', options.limit, 0)
  checkCount('pageSize', options.pageSize, 1)
  for (const argument of ['archived', 'tombstoned'] as const) {
    const choice: unknown = options[argument]
    if (choice === undefined || choice === 'include' || choice === 'exclude' || choice === 'only') continue
    throw new InvalidArgumentError(argument, `${argument} must be 'include', 'exclude' or 'only'.`)
  }
}

/** One text for each set of conditions: a condition that may be off would keep its neighbours from the index. */
const made = new Map<string, ReturnType<typeof defineStatement>>()

function listStatement(
  schema: string,
  options: ListStreamsOptions,
  page: { readonly after: string | undefined; readonly size: number | undefined },
): Statement {
  const { category, prefix, archived = 'include', tombstoned = 'exclude' } = options
  const conditions: string[] = []
  const values: unknown[] = [page.size ?? null]
  const add = (condition: string, value: string | undefined): void => {
    if (value !== undefined) conditions.push(`${condition} $${values.push(value)}::text`)
  }
  add('s.stream_id >', page.after)
  add('s.stream_id >=', prefix)
  add('s.stream_id <', prefix === undefined ? undefined : prefixEnd(prefix))
  add('s.category =', category)
  conditions.push(...stateConditions('archived_at', archived), ...stateConditions('tombstoned_at', tombstoned))
  return statementFor(conditions)(schema, values)
}

function stateConditions(column: string, choice: StreamChoice): readonly string[] {
  if (choice === 'include') return []
  return [`s.${column} is ${choice === 'only' ? 'not null' : 'null'}`]
}

function statementFor(conditions: readonly string[]): ReturnType<typeof defineStatement> {
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')} `
  let make = made.get(where)
  if (make === undefined) {
    make = defineStatement(
      'list_streams',
      (schema) =>
        `select s.stream_id, ${infoColumns} from ${schema}.streams s ${where}order by s.stream_id limit $1::bigint`,
    )
    made.set(where, make)
  }
  return make
}
