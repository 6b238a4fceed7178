import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { checkText } from '../append/check-text.js'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { BareEvent } from '../event.js'
import { bareColumns, toBareEvents, withoutMetadata, type BareRow } from './bare-row.js'
import { pagedReader, type EventReader, type Page } from './event-reader.js'
import {
  checkCount,
  checkPresence,
  checkRange,
  defaultPageSize,
  type Direction,
  type ReadStreamOptions,
} from './read-options.js'
import { readRows } from './read-rows.js'
import { eventColumns, type EventRow } from './stored-row.js'

const whole = { forward: readStatement('asc', eventColumns), backward: readStatement('desc', eventColumns) }

const bare = { forward: readStatement('asc', bareColumns), backward: readStatement('desc', bareColumns) }

function readStatement(order: 'asc' | 'desc', columns: string): ReturnType<typeof defineStatement> {
  return defineStatement(
    columns === bareColumns ? `read_stream_bare_${order}` : `read_stream_${order}`,
    (schema) => `select ${columns} from ${schema}.events e
  where e.stream_no = ${schema}.stream_no_of($1::text, $5::boolean) and e.version between $2::bigint and $3::bigint
  order by e.version ${order} limit $4::bigint`,
  )
}

const maxVersion = Number.MAX_SAFE_INTEGER

/**
 * Reads one stream in the order of its versions; whole events, unless `metadata` is false. One that does not exist, or was
 * tombstoned, has no events.
 */
export function readStream(
  scope: Scope,
  registry: EventRegistry,
  streamId: string,
  options: ReadStreamOptions,
): EventReader<BareEvent> {
  checkText('streamId', streamId)
  checkCount('from', options.from, 1)
  checkRange(options)
  checkPresence('tombstoned', options.tombstoned)
  const { from = 1, to = maxVersion, limit, direction = 'forward', pageSize = defaultPageSize } = options
  const how = { registry, validate: options.validate === true }
  const isBare = options.metadata === false
  const valuesOf = (last: number | undefined, size: number | undefined): readonly unknown[] => {
    const range = rangeAfter(direction, { from, to }, last)
    return [streamId, range.from, range.to, size ?? null, options.tombstoned === 'include']
  }

  async function readBare(schema: string, values: readonly unknown[]): Promise<Page<BareEvent> | undefined> {
    const { rows } = await scope.query<BareRow>(bare[direction](schema, values))
    const events = toBareEvents(rows, streamId, registry)
    const last = rows.at(-1)
    return events && { events, rows: rows.length, last: last && safeInteger(last[0], 'version') }
  }

  async function readWhole(schema: string, values: readonly unknown[]): Promise<Page<BareEvent>> {
    const { rows } = await scope.query<EventRow>(whole[direction](schema, values))
    const page = await readRows(rows, how, (row) => row[1])
    return isBare ? { ...page, events: page.events.map(withoutMetadata) } : page
  }

  return pagedReader(
    async (last, size) => {
      const { schema } = await scope.target()
      const values = valuesOf(last, size)
      return (isBare && !how.validate ? await readBare(schema, values) : undefined) ?? readWhole(schema, values)
    },
    { pageSize, limit },
  )
}

interface Range {
  readonly from: number
  readonly to: number
}

function rangeAfter(direction: Direction, range: Range, last: number | undefined): Range {
  if (last === undefined) return range
  return direction === 'forward' ? { ...range, from: last + 1 } : { ...range, to: last - 1 }
}
