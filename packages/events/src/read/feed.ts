import type { Scope } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { StoredEvent } from '../event.js'
import { isPromise } from '../is-promise.js'
import { decodeEvent } from '../upcasting/decode-event.js'
import { expandTypes } from '../upcasting/expand-types.js'
import { readFilters, type EventFilter, type FilterCondition } from './event-filter.js'
import { readAllStatement, type IndexedColumn } from './read-all-statement.js'
import { toStoredEvent, type EventRow } from './stored-row.js'

/** What is read of the feed, page by page, by a reader that keeps its place itself. */
export interface FeedOptions {
  /** Everything unless told. */
  readonly filter?: EventFilter | readonly EventFilter[] | undefined
  /** Only the streams of one partition of several: `index` from 0 to below `count`. */
  readonly partition?: FeedPartition | undefined
}

/** A share of all streams. A stream belongs to the same one forever, as long as `count` stays. */
export interface FeedPartition {
  readonly count: number
  readonly index: number
}

/** Which page. */
export interface FeedRange {
  /** Events beyond this position … */
  readonly after: number
  /** … up to this one, which must be a safe head, or below one, that was read before. */
  readonly to: number
  /** The most events. */
  readonly limit: number
}

/** A page of the feed. */
export interface FeedPage {
  readonly events: readonly StoredEvent[]
  /** The event behind `events` that cannot be read: nothing behind it is in the page. */
  readonly unreadable: UnreadableEvent | undefined
  /** Everything that matches up to this position is in `events`. */
  readonly through: number
}

/** An event that no reader understands: its type is unknown, or an upcaster failed. */
export interface UnreadableEvent {
  /** In the form in which it is stored. */
  readonly event: StoredEvent
  readonly error: unknown
}

/** Reads pages of one selection of the events. */
export interface Feed {
  read(scope: Scope, range: FeedRange): Promise<FeedPage>
}

/**
 * Makes a feed of the events that a filter names.
 *
 * @throws InvalidArgument for a filter that names nothing.
 */
export function makeFeed(
  { filter, partition }: FeedOptions,
  { registry, indexed }: { readonly registry: EventRegistry; readonly indexed: readonly IndexedColumn[] },
): Feed {
  const filters = inPartition(expandTypes(readFilters(filter), registry), partition)
  return {
    async read(scope, range) {
      const { schema } = await scope.target()
      const statement = readAllStatement(schema, { ...range, direction: 'forward', filters, indexed })
      const { rows } = await scope.query<EventRow>(statement)
      return decodePage(rows, registry, range)
    },
  }
}

type Filters = readonly (readonly FilterCondition[])[]

function inPartition(filters: Filters, partition: FeedPartition | undefined): Filters {
  if (partition === undefined || partition.count === 1) return filters
  const condition = { column: 'partition', value: [String(partition.count), String(partition.index)] } as const
  return filters.length === 0 ? [[condition]] : filters.map((conditions) => [...conditions, condition])
}

async function decodePage(rows: readonly EventRow[], registry: EventRegistry, range: FeedRange): Promise<FeedPage> {
  const events: StoredEvent[] = []
  let through = range.after
  for (const row of rows) {
    try {
      const decoded = decodeEvent(row, { registry, validate: false })
      // Awaiting what is no promise would cost a turn of the event loop for each event.
      const event = isPromise(decoded) ? await decoded : decoded
      if (event !== undefined) events.push(event)
    } catch (error) {
      return { events, unreadable: { event: toStoredEvent(row), error }, through }
    }
    through = Number(row[0])
  }
  return { events, unreadable: undefined, through: rows.length < range.limit ? Math.max(range.to, through) : through }
}
