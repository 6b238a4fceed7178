import type { EventFamilies, NewEventOf } from '../../definitions/define-events.js'
import type { NewEvent } from '../../event.js'

/** Where an event to import belongs, and what is kept of its past. */
export interface ImportedPlace {
  readonly streamId: string
  /** Of the stream, when this event begins it; the family of its type unless told. No effect on one that exists. */
  readonly category?: string | undefined
  /** The event's place in its stream. Given, it must be the next one there; left out, it is. */
  readonly version?: number | undefined
  /** The version of its type's schema that `data` has; the current one unless told. */
  readonly schemaVersion?: number | undefined
  /** When it happened; now unless told. As text: ISO 8601 in UTC, with up to six digits of a second. */
  readonly createdAt?: Date | string | undefined
}

/** An event to import. Headers and ids are stored as they are given: nothing of the store's context is added. */
export type ImportEvent<Type extends string = string, Data = unknown> = NewEvent<Type, Data> & ImportedPlace

/** What may be imported: type and data as a pair, for every event of the families. */
export type ImportEventOf<Families extends EventFamilies> = NewEventOf<Families> & ImportedPlace

/** Where the events of an import come from: an array, a generator, a stream of objects. */
export type ImportSource<Event> = Iterable<Event> | AsyncIterable<Event>
