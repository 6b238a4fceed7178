import type { BareEvent, EventFamily } from '@rillflow/events'
import type { AggregatePlace, SnapshotPolicy, UnknownEvents } from './aggregate.js'

/** An aggregate of whatever state, for code that only hands states on. */
export interface AnyAggregate {
  readonly name: string
  readonly events: EventFamily
  readonly initial: (id: string) => unknown
  readonly evolve: Readonly<Record<string, (state: never, event: never) => unknown>>
  readonly validate: ((state: never, place: AggregatePlace) => void) | undefined
  readonly snapshot: SnapshotPolicy | undefined
  readonly unknownEvents: UnknownEvents
}

/** The state of an aggregate that nobody here looks into, and where its stream stands. */
export interface AnyLoaded {
  readonly id: string
  readonly state: unknown
  readonly version: number
  readonly exists: boolean
}

/** A function of `evolve`, as it is called. */
export type EvolveOne = (state: unknown, event: BareEvent) => unknown
