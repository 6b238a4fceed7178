import { safeInteger } from '@rillflow/core'
import type { EventRegistry, NewerVersions, UnknownTypes } from '../definitions/event-registry.js'
import { UnknownEventTypeError } from '../errors.js'
import type { StoredEvent } from '../event.js'
import { toStoredEvent, type EventRow } from '../read/stored-row.js'
import { applySteps } from './apply-steps.js'
import { isPromise } from '../is-promise.js'
import { describePlace, EventTooNewError, UpcastFailedError, type EventPlace } from './upcast-errors.js'

/** How rows become events. */
export interface Decoding {
  readonly registry: EventRegistry
  /** Whether data is validated by the schema of its type. */
  readonly validate: boolean
}

/** An event, or a promise only where an upcaster or a schema gave one; undefined for one that a policy leaves out. */
export type Decoded = StoredEvent | undefined | Promise<StoredEvent>

/**
 * Makes of a row the event that readers see, in the newest form of its type; every read goes through here.
 *
 * @throws UnknownEventType, EventTooNew, UpcastFailed, ValidationFailed
 */
export function decodeEvent(row: EventRow, how: Decoding): Decoded {
  const { registry } = how
  const type = row[2]
  const schemaVersion = row[3]
  const lineage = registry.lineageOf(type)
  if (lineage === undefined) return byPolicy(row, registry.unknownTypes, unknownType)
  if (lineage.version === schemaVersion && lineage.type === type) return validated(toStoredEvent(row), how)
  const steps = lineage.paths.get(schemaVersion)
  if (steps === undefined) {
    const { newest } = lineage
    if (schemaVersion < newest) throw stepMissing(row)
    return byPolicy(row, registry.newerVersions, () => tooNew(row, newest))
  }
  const event = applySteps(toStoredEvent(row), steps)
  return isPromise(event) ? event.then((settled) => validated(settled, how)) : validated(event, how)
}

function byPolicy(row: EventRow, policy: UnknownTypes | NewerVersions, error: (row: EventRow) => Error): Decoded {
  if (policy === 'throw') throw error(row)
  return policy === 'pass' ? toStoredEvent(row) : undefined
}

function validated(event: StoredEvent, how: Decoding): StoredEvent | Promise<StoredEvent> {
  if (!how.validate) return event
  const data = how.registry.validateRead(event.type, event.data, `The data of ${describePlace(event)}, ${event.type},`)
  return isPromise(data) ? data.then((settled) => ({ ...event, data: settled })) : { ...event, data }
}

function placeOf(row: EventRow): EventPlace {
  return { streamId: row[10], version: safeInteger(row[1], 'version'), position: safeInteger(row[0], 'position') }
}

function unknownType(row: EventRow): UnknownEventTypeError {
  const type = row[2]
  return new UnknownEventTypeError(
    type,
    `${describePlace(placeOf(row), 'The')} has the type ${JSON.stringify(type)}, ` +
      "which is in none of this store's families. Pass its family to events({ … }), or choose another unknownTypes.",
  )
}

function tooNew(row: EventRow, newest: number): EventTooNewError {
  return new EventTooNewError({ type: row[2], schemaVersion: row[3], newest, place: placeOf(row) })
}

function stepMissing(row: EventRow): UpcastFailedError {
  const why = 'no upcaster begins there. Pass one to events({ … }, { upcasters }).'
  return new UpcastFailedError({ from: [row[2], row[3]], to: undefined, place: placeOf(row), why })
}
