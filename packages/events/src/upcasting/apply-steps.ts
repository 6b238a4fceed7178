import type { StoredEvent } from '../event.js'
import { isPromise } from '../is-promise.js'
import { UpcastFailedError } from './upcast-errors.js'
import type { Upcaster } from './upcaster.js'

/**
 * Takes an event through the steps from its stored form to the newest one; a promise only when a step gives one.
 *
 * @throws UpcastFailed
 */
export function applySteps(stored: StoredEvent, steps: readonly Upcaster[]): StoredEvent | Promise<StoredEvent> {
  let event = stored
  for (const [index, step] of steps.entries()) {
    const data = run(step, event)
    if (isPromise(data)) return applyLater(event, data, steps.slice(index))
    event = advance(event, step, data)
  }
  return event
}

/** Goes on when the first of the steps, which is under way, has given its data. */
async function applyLater(
  event: StoredEvent,
  coming: Promise<unknown>,
  [step, ...rest]: readonly Upcaster[],
): Promise<StoredEvent> {
  const present = step as Upcaster
  let data: unknown
  try {
    data = await coming
  } catch (error) {
    throw failed(present, event, error)
  }
  return applySteps(advance(event, present, data), rest)
}

function run(step: Upcaster, event: StoredEvent): unknown {
  try {
    return step.upcast(event.data, event)
  } catch (error) {
    throw failed(step, event, error)
  }
}

function advance(event: StoredEvent, step: Upcaster, data: unknown): StoredEvent {
  if (data === undefined) {
    const why = 'its upcast gave undefined. Return the new data.'
    throw new UpcastFailedError({ from: step.from, to: step.to, place: event, why })
  }
  const [type, schemaVersion] = step.to
  return { ...event, type, schemaVersion, data }
}

function failed(step: Upcaster, event: StoredEvent, cause: unknown): UpcastFailedError {
  const why = 'its upcast threw; see the cause.'
  return new UpcastFailedError({ from: step.from, to: step.to, place: event, why, cause })
}
