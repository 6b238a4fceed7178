import { InvalidArgumentError } from '@rillflow/core'
import type { NewEvent } from '../event.js'

/**
 * Refuses what is no list of events, as a program without types may give it.
 *
 * @throws InvalidArgument
 */
export function checkEvents(events: readonly NewEvent[]): void {
  if (!Array.isArray(events) || events.length === 0) {
    throw new InvalidArgumentError('events', 'events must be an array of at least one event.')
  }
  for (const event of events as readonly (NewEvent | null | undefined)[]) {
    if (typeof event?.type !== 'string') {
      throw new InvalidArgumentError('events', 'Each of events must be an object with a type, which is a string.')
    }
  }
}
