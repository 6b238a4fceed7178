import type { EventFilter, StoredEvent } from '@rillflow/events'
import type { Projection } from './projection.js'

/** The events that a projection reads, as the feed takes it. */
export function selectionOf({ types, filter }: Projection): EventFilter {
  return { ...filter, types }
}

/** Tells whether a projection reads an event: the same choice as {@link selectionOf}, where the event is here already. */
export function selects({ types, filter }: Projection): (event: StoredEvent) => boolean {
  const wanted = new Set(types)
  if (filter === undefined) return ({ type }) => wanted.has(type)
  const categories = filter.categories === undefined ? undefined : new Set(filter.categories)
  const streamIds = filter.streamIds === undefined ? undefined : new Set(filter.streamIds)
  const { streamPrefix = '' } = filter
  return ({ type, category, streamId }) =>
    wanted.has(type) &&
    categories?.has(category) !== false &&
    streamIds?.has(streamId) !== false &&
    streamId.startsWith(streamPrefix)
}
