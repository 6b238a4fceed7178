import { defineStatement, type Scope } from '@rillflow/core'
import { checkText } from '../append/check-text.js'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { StoredEvent } from '../event.js'
import { pagedReader, type EventReader } from './event-reader.js'
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

const readStatements = {
  exclude: {
    forward: readStatement('asc', ' and s.tombstoned_at is null'),
    backward: readStatement('desc', ' and s.tombstoned_at is null'),
  },
  include: { forward: readStatement('asc', ''), backward: readStatement('desc', '') },
}

function readStatement(order: 'asc' | 'desc', present: string): ReturnType<typeof defineStatement> {
  return defineStatement(
    `read_stream_${order}`,
    (schema) => `select ${eventColumns} from ${schema}.events e
  where e.stream_no = (select s.stream_no from ${schema}.streams s where s.stream_id = $1::text${present})
    and e.version between $2::bigint and $3::bigint
  order by e.version ${order} limit $4::bigint`,
  )
}

const maxVersion = Number.MAX_SAFE_INTEGER

/** Reads one stream in the order of its versions. One that does not exist, or was tombstoned, has no events. */
export function readStream(
  scope: Scope,
  registry: EventRegistry,
  streamId: string,
  options: ReadStreamOptions,
): EventReader<StoredEvent> {
  checkText('streamId', streamId)
  checkCount('from', options.from, 1)
  checkRange(options)
  checkPresence('tombstoned', options.tombstoned)
  const { from = 1, to = maxVersion, limit, direction = 'forward', pageSize = defaultPageSize } = options
  const statement = readStatements[options.tombstoned ?? 'exclude'][direction]
  const how = { registry, validate: options.validate === true }
  return pagedReader(
    async (last, size) => {
      const { schema } = await scope.target()
      const range = rangeAfter(direction, { from, to }, last)
      const values = [streamId, range.from, range.to, size ?? null]
      const { rows } = await scope.query<EventRow>(statement(schema, values))
      return readRows(rows, how, (row) => row[1])
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
