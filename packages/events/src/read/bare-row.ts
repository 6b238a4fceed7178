import { jsonText, safeInteger } from '@rillflow/core'
import type { EventRegistry } from '../definitions/event-registry.js'
import type { BareEvent } from '../event.js'

/** What a read without metadata selects of `events e`, in the order of {@link BareRow}. */
export const bareColumns = `e.version, e.type, e.schema_version, ${jsonText('e.data')} as data`

/** A row of {@link bareColumns}. */
export type BareRow = readonly [version: string, type: string, schemaVersion: number, data: string]

/**
 * Makes events of rows that are all in the newest form of a known type; undefined when one is not, and its page must be
 * read whole: what policies and upcasters need is not here.
 */
export function toBareEvents(
  rows: readonly BareRow[],
  streamId: string,
  registry: EventRegistry,
): readonly BareEvent[] | undefined {
  const events: BareEvent[] = []
  for (const [version, type, schemaVersion, data] of rows) {
    const lineage = registry.lineageOf(type)
    if (lineage === undefined || lineage.version !== schemaVersion || lineage.type !== type) return undefined
    events.push({ type, data: JSON.parse(data) as unknown, streamId, version: safeInteger(version, 'version') })
  }
  return events
}

/** Leaves out what was read and not asked for. */
export function withoutMetadata({ type, data, streamId, version }: BareEvent): BareEvent {
  return { type, data, streamId, version }
}
