import type { StoredEvent } from '@rillflow/events'
import type { FoldProjection } from '../definition/any-projection.js'
import { ProjectionFailedError } from '../errors.js'

/** An event and the documents that it changes. */
export interface KeyedEvent {
  readonly event: StoredEvent
  readonly keys: readonly string[]
}

/** The same as the longest id of a document. */
const maxBytes = 1_024

/**
 * The keys of each event, each of them once; events without any are left out.
 *
 * @throws ProjectionFailed for what cannot be a key, and for a `key` that throws.
 */
export function keysOf({ name, key }: FoldProjection, events: readonly StoredEvent[]): readonly KeyedEvent[] {
  return events.flatMap((event) => {
    const keys = given(name, key, event)
    if (keys === undefined) return []
    if (typeof keys === 'string') return { event, keys: [checkKey(name, event, keys)] }
    if (!Array.isArray(keys)) throw wrongKey(name, event)
    const each = new Set((keys as readonly unknown[]).map((one) => checkKey(name, event, one)))
    return each.size === 0 ? [] : { event, keys: [...each] }
  })
}

function given(projection: string, key: FoldProjection['key'], event: StoredEvent): unknown {
  try {
    return key(event)
  } catch (cause) {
    throw new ProjectionFailedError({ projection, event, cause }, 'its key threw; see the cause.')
  }
}

function checkKey(projection: string, event: StoredEvent, key: unknown): string {
  const fits =
    typeof key === 'string' &&
    key !== '' &&
    !key.includes('\0') &&
    key.isWellFormed() &&
    (key.length <= maxBytes / 4 || Buffer.byteLength(key) <= maxBytes)
  if (!fits) throw wrongKey(projection, event)
  return key
}

function wrongKey(projection: string, event: StoredEvent): ProjectionFailedError {
  return new ProjectionFailedError(
    { projection, event },
    `its key must be text of 1 to ${maxBytes} bytes without NUL, a list of such, or undefined.`,
  )
}
