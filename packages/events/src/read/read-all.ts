import { defineStatement, type Scope } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { StoredEvent } from '../event.js'
import { safeHead } from '../head/safe-head.js'
import { pagedReader, type EventReader } from './event-reader.js'
import { checkCount, checkDirection, defaultPageSize, type ReadAllOptions } from './read-options.js'
import { eventColumns, toStoredEvent, type EventRow } from './stored-row.js'

const readStatements = {
  forward: readStatement('asc'),
  backward: readStatement('desc'),
}

function readStatement(order: 'asc' | 'desc'): ReturnType<typeof defineStatement> {
  return defineStatement(
    `read_all_${order}`,
    (schema) => `select ${eventColumns} from ${schema}.events e
  where e.position > $1::bigint and e.position <= $2::bigint order by e.position ${order} limit $3::bigint`,
  )
}

/**
 * Reads all events in the order of their positions, up to the safe head of the moment when the reading begins: what a
 * transaction that is still open may yet write below it is never stepped over.
 */
export function readAll(
  scope: Scope,
  registry: EventRegistry,
  options: ReadAllOptions,
  inTransaction: boolean,
): EventReader<StoredEvent> {
  checkCount('after', options.after, 0)
  checkCount('limit', options.limit, 0)
  checkCount('pageSize', options.pageSize, 1)
  checkDirection(options.direction)
  const { after = 0, limit, direction = 'forward', pageSize = defaultPageSize } = options
  let head: number | undefined
  return pagedReader(
    async (last: StoredEvent | undefined, size) => {
      const { schema } = await scope.target()
      // Before the rows, and in a statement of its own: the rows' snapshot must be younger than the head.
      if (last === undefined || head === undefined) head = await safeHead(scope, inTransaction)
      const lower = direction === 'forward' && last !== undefined ? last.position : after
      const upper = direction === 'backward' && last !== undefined ? last.position - 1 : head
      const { rows } = await scope.query<EventRow>(readStatements[direction](schema, [lower, upper, size ?? null]))
      return rows.map((row) => toStoredEvent(row, registry))
    },
    { pageSize, limit },
  )
}
