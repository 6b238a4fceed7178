import type { EventIn, FamilyShape } from '../aggregate-shape.js'
import type { DeepReadonly } from '../values/deep-readonly.js'

/** What {@link givenEvents} needs of a family of events, as `defineEvents` of `@rillflow/events` makes it. */
export interface StreamFamilyShape extends FamilyShape {
  /** Of the streams whose first event is of this family. */
  readonly category: string
}

/**
 * What {@link givenEvents} needs of a projection, as `defineProjection` of `@rillflow/projections` makes it.
 *
 * A shape and no import, so that a scenario takes a projection of any version. What folds its events it brings along.
 */
export interface ProjectionShape {
  readonly name: string
  readonly from: readonly StreamFamilyShape[]
  /** Never there; it carries the type of a document. */
  readonly doc?: unknown
}

/** A document of a projection, as it is read. */
export type DocumentOf<Projection extends ProjectionShape> = DeepReadonly<NonNullable<Projection['doc']>>

/** Where and when an event was written. */
export interface EventPlace {
  readonly streamId: string
  /** Of the stream, on its first event; the category of that event's family unless told. */
  readonly category?: string | undefined
  /** The start of the year 2000, UTC, unless told. */
  readonly createdAt?: Date | undefined
}

/** Every event of a projection's families, as it is written for an append, with its stream. */
export type StreamEventOf<Projection extends ProjectionShape> = Placed<EventIn<Projection['from'][number]>>

type Placed<Event> = Event extends unknown ? Event & EventPlace : never

/** An event as it would be read back. */
export interface PlacedEvent {
  readonly type: string
  readonly data: unknown
  readonly id: string
  readonly streamId: string
  readonly version: number
  readonly position: number
  readonly category: string
  readonly schemaVersion: number
  readonly headers: object
  readonly causationId: string | undefined
  readonly correlationId: string | undefined
  readonly createdAt: Date
}

/** Documents by key. */
export type Documents = ReadonlyMap<string, unknown>

/** A projection that can be folded without a database. */
export interface FoldedProjection extends ProjectionShape {
  /** The documents after events, from those before; throws what applying them in a store throws. */
  fold(docs: Documents, events: readonly PlacedEvent[]): Promise<Documents>
}
