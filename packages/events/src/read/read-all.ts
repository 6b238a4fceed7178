import type { Scope } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { StoredEvent } from '../event.js'
import type { HeadReader } from '../head/head-reader.js'
import { expandTypes } from '../upcasting/expand-types.js'
import { readFilters } from './event-filter.js'
import { pagedReader, type EventReader } from './event-reader.js'
import { checkCount, checkPresence, checkRange, defaultPageSize, type ReadAllOptions } from './read-options.js'
import { hiddenStates, readAllStatement, type IndexedColumn } from './read-all-statement.js'
import { readRows } from './read-rows.js'
import type { EventRow } from './stored-row.js'

/**
 * Reads all events in the order of their positions, up to the safe head of the moment when the reading begins: what a
 * transaction that is still open may yet write below it is never stepped over.
 */
export function readAll(
  scope: Scope,
  options: ReadAllOptions,
  how: {
    readonly registry: EventRegistry
    readonly headReader: HeadReader
    readonly indexed: readonly IndexedColumn[]
    readonly inTransaction: boolean
  },
): EventReader<StoredEvent> {
  checkCount('after', options.after, 0)
  checkRange(options)
  checkPresence('archived', options.archived)
  checkPresence('tombstoned', options.tombstoned)
  const { after = 0, to = Number.MAX_SAFE_INTEGER, limit, direction = 'forward', pageSize = defaultPageSize } = options
  const filters = expandTypes(readFilters(options.filter), how.registry)
  const hidden = hiddenStates(options)
  const decoding = { registry: how.registry, validate: options.validate === true }
  let head: number | undefined
  return pagedReader(
    async (last, size) => {
      const { schema } = await scope.target()
      // Before the rows, and in a statement of its own: the rows' snapshot must be younger than the head.
      if (last === undefined || head === undefined) head = await how.headReader.read(scope, schema, how.inTransaction)
      const upper = Math.min(to, head)
      const page = {
        direction,
        after: direction === 'forward' ? (last ?? after) : after,
        to: direction === 'backward' && last !== undefined ? last - 1 : upper,
        limit: size,
        filters,
        indexed: how.indexed,
        hidden,
      }
      const { rows } = await scope.query<EventRow>(readAllStatement(schema, page))
      return readRows(rows, decoding, (row) => row[0])
    },
    { pageSize, limit },
  )
}
