import { safeInteger, type Scope } from '@rillflow/core'
import type { EventRegistry } from '../../definitions/event-registry.js'
import type { HeadReader } from '../../head/head-reader.js'
import { readFilters } from '../../read/event-filter.js'
import { pagedReader } from '../../read/event-reader.js'
import { hiddenStates, readAllStatement, type FeedPage, type IndexedColumn } from '../../read/read-all-statement.js'
import { checkCount, checkPresence, checkRange, type ReadAllOptions } from '../../read/read-options.js'
import type { EventRow } from '../../read/stored-row.js'
import { expandTypes } from '../../upcasting/expand-types.js'
import { endLine, eventLine, headerLine } from './export-format.js'

/** What part of the store is exported. */
export type ExportOptions<Type extends string = string> = Pick<
  ReadAllOptions<Type>,
  'after' | 'to' | 'filter' | 'archived' | 'tombstoned' | 'limit' | 'pageSize'
>

/** What an export needs of its store. */
export interface ExportParts {
  readonly registry: EventRegistry
  readonly headReader: HeadReader
  readonly indexed: readonly IndexedColumn[]
}

const defaultPageSize = 1_000

/** Gives the events up to the safe head as lines of JSON, as they are stored; two pages are in memory at the most. */
export function exportEvents(scope: Scope, parts: ExportParts, options: ExportOptions): AsyncIterable<string> {
  const { indexed, headReader, registry } = parts
  checkOptions(options)
  const filters = expandTypes(readFilters(options.filter), registry)
  const hidden = hiddenStates(options)
  const { after = 0, to = Number.MAX_SAFE_INTEGER, limit, pageSize } = options
  return {
    async *[Symbol.asyncIterator]() {
      const { schema } = await scope.target()
      // Before the rows, in a statement of its own: their snapshots must be younger than the head.
      const upper = Math.min(to, await headReader.read(scope, schema, false))
      const range = { direction: 'forward', after, to: upper, limit, filters, indexed, hidden } as const
      yield headerLine()
      let events = 0
      let position = after
      for await (const row of rowsOf(scope, schema, { range, pageSize })) {
        events += 1
        position = safeInteger(row[0], 'position')
        yield eventLine(row)
      }
      // One that its limit ended must be gone on with where it ended.
      yield endLine(events, events === limit ? position : Math.max(after, upper))
    },
  }
}

function rowsOf(
  scope: Scope,
  schema: string,
  { range, pageSize = defaultPageSize }: { range: FeedPage; pageSize: number | undefined },
): AsyncIterable<EventRow> {
  const readPage = async (last: number | undefined, limit: number | undefined) => {
    const statement = readAllStatement(schema, { ...range, after: last ?? range.after, limit })
    const { rows } = await scope.query<EventRow>(statement)
    const end = rows.at(-1)
    return { events: rows, rows: rows.length, last: end === undefined ? undefined : safeInteger(end[0], 'position') }
  }
  return pagedReader(readPage, { pageSize, limit: range.limit })
}

function checkOptions(options: ExportOptions): void {
  checkCount('after', options.after, 0)
  checkRange(options)
  checkPresence('archived', options.archived)
  checkPresence('tombstoned', options.tombstoned)
}
