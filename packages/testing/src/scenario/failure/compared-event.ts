import { asJson } from '../values/as-json.js'
import type { StoredEvent } from '../store/stored-event.js'

/** An event as far as an expectation is about it. */
export interface ComparedEvent {
  readonly type: string
  readonly data: unknown
  readonly [metadata: string]: unknown
}

/** An event as it is expected: metadata only where the expectation names it. */
export function expectedEvent({ type, data, metadata }: StoredEvent): ComparedEvent {
  return { ...(asJson(metadata) as object), type, data }
}

/** An event as it came, with the metadata that the expectation in its place is about. */
export function actualEvent({ type, data, metadata }: StoredEvent, expected: StoredEvent | undefined): ComparedEvent {
  const wanted = Object.keys(expected?.metadata ?? {}).filter((key) => expected?.metadata[key] !== undefined)
  const named = Object.fromEntries(Object.entries(metadata).filter(([key]) => wanted.includes(key)))
  return { ...named, type, data }
}
