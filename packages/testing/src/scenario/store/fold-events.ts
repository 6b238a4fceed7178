import type { AggregateShape, PlaceShape } from '../aggregate-shape.js'
import { RefusedError } from './refused-error.js'
import type { StoredEvent } from './stored-event.js'
import { deepFreeze } from '../values/deep-freeze.js'

/** A state, and how many events led to it. */
export interface Folded {
  readonly state: unknown
  readonly version: number
}

/** The aggregate of one stream, as a store folds it. */
export interface Stream {
  readonly aggregate: AggregateShape
  readonly id: string
}

/** The state before the first event. */
export function foldNothing({ aggregate, id }: Stream): Folded {
  return { state: deepFreeze(aggregate.initial(id)), version: 0 }
}

/** @throws {@link RefusedError} when `evolve` gives no state. */
export function foldEvent({ aggregate, id }: Stream, before: Folded, { type, data }: StoredEvent): Folded {
  const version = before.version + 1
  const evolve = aggregate.evolve as Readonly<Record<string, (state: unknown, event: unknown) => unknown>>
  const refuse = (why: string, cause?: unknown): never => {
    throw new RefusedError('EvolveFailed', `evolve of ${aggregate.name} for ${type}, version ${version}, ${why}`, {
      cause,
    })
  }
  if (!Object.hasOwn(evolve, type)) {
    return aggregate.unknownEvents === 'skip' ? { ...before, version } : refuse('is missing; write it.')
  }
  const event = deepFreeze({ type, data, streamId: id, version })
  let state: unknown
  try {
    state = evolve[type]?.(before.state, event)
  } catch (error) {
    refuse(`threw: ${error instanceof Error ? error.message : String(error)}`, error)
  }
  if (state === undefined) refuse('returned nothing. Return the state, also when it is as before.')
  return { state: deepFreeze(state), version }
}

/** What commands and validators are told of a stream. */
export function placeOf({ id }: Stream, { version }: Folded): PlaceShape {
  return { id, version, exists: version > 0 }
}
