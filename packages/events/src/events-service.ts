import type { ModuleKey, Scope, TransactionScope } from '@rillflow/core'
import type { AppendHook } from './append/append-hooks.js'
import { settleEvents, type SettledEvent } from './append/settled-event.js'
import type { EventFamilies } from './definitions/define-events.js'
import type { EventRegistry } from './definitions/event-registry.js'
import type { BareEvent, NewEvent } from './event.js'
import type { EventsShape, EventStore, TransactionEventStore } from './event-store.js'
import { toBareEvents, type BareRow } from './read/bare-row.js'
import { makeFeed, type Feed, type FeedOptions } from './read/feed.js'
import type { IndexedColumn } from './read/read-all-statement.js'

/** What events lend to the modules that build on them. */
export interface EventsService {
  /**
   * New events as they will be read back: what their schemas make of the data, through JSON. Appending what it gives does
   * not validate again.
   *
   * @throws ValidationFailed, UnknownEventType, UnstorableValue
   */
  settle(events: readonly NewEvent[]): Promise<readonly SettledEvent[]>
  /**
   * The events of rows of `bareColumns` of one stream; undefined when one of them takes an upcaster or a policy, and they must be read by
   * `readStream`.
   */
  decode(rows: readonly BareRow[], streamId: string): readonly BareEvent[] | undefined
  /**
   * A selection of the feed, to be read page by page by a reader that keeps its place itself.
   *
   * @throws InvalidArgument for a filter that names nothing.
   */
  feed(options: FeedOptions): Feed
  /**
   * Makes `hook` part of every transaction that appends an event of its types, on whatever way; imports of such events are
   * refused unless they say `inline: 'skip'`. To be called while the store is made, before anything is appended.
   */
  onAppend(hook: AppendHook): void
  /** The events on a store's scope, of whatever families. */
  on(scope: Scope): EventStore<EventFamilies>
  /** The events inside a transaction. */
  within(scope: TransactionScope): TransactionEventStore<EventFamilies>
}

/** The events of a store, for modules that build on them. */
export const eventsModule: ModuleKey<EventsShape<EventFamilies>, EventsService> = { name: '@rillflow/events' }

/** Makes what events lend, of one store. */
export function eventsService(
  { registry, indexed }: { readonly registry: EventRegistry; readonly indexed: readonly IndexedColumn[] },
  apis: Pick<EventsService, 'on' | 'within' | 'onAppend'>,
): EventsService {
  return {
    ...apis,
    feed: (options) => makeFeed(options, { registry, indexed }),
    settle: (events) => settleEvents(registry, events),
    decode: (rows, streamId) => toBareEvents(rows, streamId, registry),
  }
}
