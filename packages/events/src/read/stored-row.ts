import { jsonText, safeInteger, type JsonObject } from '@rillflow/core'
import type { StoredEvent } from '../event.js'

/**
 * What every read selects of `events e`, in the order of {@link EventRow}. Nothing is cast that a driver gives as it is: a
 * cast for each column costs the server an eighth of a read.
 */
export const eventColumns = `e.position, e.version, e.type, e.schema_version,
  ${jsonText('e.data')} as data, ${jsonText('e.headers')} as headers, e.event_id, e.causation_id, e.correlation_id,
  e.category, e.stream_id, (extract(epoch from e.created_at) * 1000000)::bigint as created_at`

/** A row of {@link eventColumns}. */
export type EventRow = readonly [
  position: string,
  version: string,
  type: string,
  schemaVersion: number,
  data: string,
  headers: string | null,
  eventId: string,
  causationId: string | null,
  correlationId: string | null,
  category: string,
  streamId: string,
  createdAtMicros: string,
]

/** An event in the form in which it is stored. */
export function toStoredEvent(row: EventRow): StoredEvent {
  return {
    type: row[2],
    data: JSON.parse(row[4]) as unknown,
    id: row[6],
    streamId: row[10],
    version: safeInteger(row[1], 'version'),
    position: safeInteger(row[0], 'position'),
    category: row[9],
    schemaVersion: row[3],
    headers: row[5] === null ? {} : (JSON.parse(row[5]) as JsonObject),
    causationId: row[7] ?? undefined,
    correlationId: row[8] ?? undefined,
    createdAt: new Date(Math.floor(Number(row[11]) / 1000)),
  }
}
