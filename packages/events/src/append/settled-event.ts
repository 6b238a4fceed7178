import { encodeJson } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { NewEvent } from '../event.js'
import { isPromise } from '../is-promise.js'
import { checkEvents } from './check-events.js'

const encoded = Symbol('rillflow.encoded')

/** A new event whose data is what reading it back will give; appending it does not validate it again. */
export interface SettledEvent extends NewEvent {
  /** The data as JSON. */
  readonly [encoded]: string
}

/**
 * Gives new events as they will be read back: what their schemas make of the data, through JSON. One that is settled
 * already is not validated again: a schema that transforms would not take what it has made.
 *
 * @throws InvalidArgument, ValidationFailed, UnknownEventType, UnstorableValue
 */
export async function settleEvents(
  registry: EventRegistry,
  events: readonly NewEvent[],
): Promise<readonly SettledEvent[]> {
  if (events.length > 0) checkEvents(events)
  const settled: SettledEvent[] = []
  for (const event of events) {
    const made = encodedData(event) ?? encodeValid(registry, event)
    // Awaiting what is no promise would cost a turn of the event loop for each event.
    const json = isPromise(made) ? await made : made
    settled.push({ ...event, data: JSON.parse(json) as unknown, [encoded]: json })
  }
  return settled
}

/** The data of an event as JSON, as its schema makes it. */
export function encodeValid(registry: EventRegistry, event: NewEvent): string | Promise<string> {
  const made = registry.validate(event.type, event.data)
  return isPromise(made) ? made.then(encodeJson) : encodeJson(made)
}

/** The data of a settled event as JSON; undefined for an event that is not settled. */
export function encodedData(event: NewEvent): string | undefined {
  return (event as Partial<SettledEvent>)[encoded]
}
