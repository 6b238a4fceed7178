import type { BareEvent } from '@rillflow/events'
import { UnknownEventTypeError } from '@rillflow/events'
import type { AnyAggregate, EvolveOne } from '../definition/any-aggregate.js'
import { deepFreeze } from '../definition/deep-freeze.js'
import { EvolveFailedError } from '../errors.js'

/** How states are made. */
export interface Folding {
  readonly aggregate: AnyAggregate
  readonly id: string
  /** Whether each state is frozen, so that code that changes one fails where it does so. */
  readonly freeze: boolean
}

/** The state before the first event. */
export function initialState({ aggregate, id, freeze }: Folding): unknown {
  const state = aggregate.initial(id)
  return freeze ? deepFreeze(state) : state
}

/**
 * The state after events of the stream, in their order.
 *
 * @throws EvolveFailed, UnknownEventType
 */
export function fold(how: Folding, before: unknown, events: readonly BareEvent[]): unknown {
  const { evolve } = how.aggregate
  let state = before
  for (const event of events) {
    if (!Object.hasOwn(evolve, event.type)) {
      if (how.aggregate.unknownEvents === 'throw') throw unknownEvent(how, event)
      continue
    }
    state = evolveOne(how, evolve[event.type] as EvolveOne, state, event)
    if (how.freeze) deepFreeze(state)
  }
  return state
}

function evolveOne(how: Folding, evolve: EvolveOne, state: unknown, event: BareEvent): unknown {
  let next: unknown
  try {
    next = evolve(state, event)
  } catch (error) {
    // Not what it says: that may hold what the event holds.
    throw evolveFailed(how, event, 'threw; see the cause.', error)
  }
  if (next === undefined)
    throw evolveFailed(how, event, 'returned nothing. Return the state, also when it is as before.')
  return next
}

function evolveFailed(how: Folding, event: BareEvent, why: string, cause?: unknown): EvolveFailedError {
  const { version, type } = event
  return new EvolveFailedError({ aggregate: how.aggregate.name, id: how.id, version, type, cause }, why)
}

function unknownEvent({ aggregate, id }: Folding, { type, version }: BareEvent): UnknownEventTypeError {
  return new UnknownEventTypeError(
    type,
    `The event ${JSON.stringify(type)} at version ${version} of stream ${JSON.stringify(id)} is not one of the aggregate ` +
      `${aggregate.name}. Add it to the family ${JSON.stringify(aggregate.events.category)} and to evolve, or set unknownEvents: 'skip'.`,
  )
}
