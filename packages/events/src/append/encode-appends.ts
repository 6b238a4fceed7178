import { encodeExpected } from './expected-version.js'
import type { PreparedAppend } from './prepare-append.js'
import type { PreparedEvent } from './prepared-event.js'

/** Several appends as the parameter of the append function; their data is JSON already and is not written again. */
export function encodeAppends(appends: readonly PreparedAppend[]): string {
  return `[${appends.map(encodeAppend).join(',')}]`
}

/** The events of one append as a JSON array. */
export function encodeEvents(events: readonly PreparedEvent[]): string {
  return `[${events.map(encodeEvent).join(',')}]`
}

function encodeAppend(append: PreparedAppend): string {
  const { streamId, category, expected, events, idempotencyKey } = append
  const stream = `${JSON.stringify(streamId)},${JSON.stringify(category)},${encodeExpected(expected)}`
  return `[${stream},${encodeEvents(events)},${encodeId(idempotencyKey ?? null)}]`
}

function encodeEvent(event: PreparedEvent): string {
  const { type, schemaVersion, data, headers, id, causationId, correlationId } = event
  return `[${JSON.stringify(type)},${schemaVersion},${data},${headers},"${id}",${encodeId(causationId)},${encodeId(correlationId)}]`
}

function encodeId(id: string | null): string {
  return id === null ? 'null' : JSON.stringify(id)
}
