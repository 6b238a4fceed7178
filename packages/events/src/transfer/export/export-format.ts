import { fromMicros } from '../created-at.js'
import type { EventRow } from '../../read/stored-row.js'

/**
 * The text of an export, format 1: lines of JSON, each ended by a newline.
 *
 *     {"export":"rillflow-events","format":1}
 *     {"position":1,"streamId":"order-1","category":"order","version":1,"type":"OrderPlaced","schemaVersion":1,"id":"…",
 *       "createdAt":"2026-01-31T12:00:00.123456Z","causationId":"…","correlationId":"…","headers":{…},"data":{…}}   (one line)
 *     {"end":true,"events":1,"head":1}
 *
 * Causation, correlation and headers are left out where the event has none. The last line holds the number of events and
 * the safe head of the export: what a later export begins after, and the sign that the text is whole.
 */
export const exportFormat = { export: 'rillflow-events', format: 1 } as const

/** The first line. */
export function headerLine(): string {
  return `${JSON.stringify(exportFormat)}\n`
}

/** The last line. */
export function endLine(events: number, head: number): string {
  return `${JSON.stringify({ end: true, events, head })}\n`
}

/** The line of one event; its JSON is what the database gave, which no number is rounded in. */
export function eventLine(row: EventRow): string {
  const [position, version, type, schemaVersion, data, headers, id, causationId, correlationId] = row
  const [category, streamId, micros] = row.slice(9) as [string, string, string]
  const stream = `"streamId":${JSON.stringify(streamId)},"category":${JSON.stringify(category)},"version":${version}`
  const event = `"type":${JSON.stringify(type)},"schemaVersion":${schemaVersion},"id":"${id}","createdAt":"${fromMicros(micros)}"`
  const causes = `${field('causationId', causationId)}${field('correlationId', correlationId)}`
  return `{"position":${position},${stream},${event}${causes}${headers === null ? '' : `,"headers":${headers}`},"data":${data}}\n`
}

function field(name: string, value: string | null): string {
  return value === null ? '' : `,"${name}":${JSON.stringify(value)}`
}
