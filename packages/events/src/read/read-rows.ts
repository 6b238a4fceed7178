import { safeInteger } from '@rillflow/core'
import type { StoredEvent } from '../event.js'
import { decodeEvent, type Decoded, type Decoding } from '../upcasting/decode-event.js'
import { isPromise } from '../is-promise.js'
import type { Page } from './event-reader.js'
import type { EventRow } from './stored-row.js'

/**
 * Makes a page of rows; `cursor` gives the column by which the next page begins. A promise only where an upcaster or a
 * schema is async, and then one event after the other: their order is what they may rely on, and a page of look-ups at
 * once would empty a pool.
 *
 * @throws UnknownEventType, EventTooNew, UpcastFailed, ValidationFailed
 */
export function readRows(
  rows: readonly EventRow[],
  how: Decoding,
  cursor: (row: EventRow) => string,
): Page<StoredEvent> | Promise<Page<StoredEvent>> {
  const last = rows.at(-1)
  const page = { rows: rows.length, last: last === undefined ? undefined : safeInteger(cursor(last), 'position') }
  const events: StoredEvent[] = []
  for (let index = 0; index < rows.length; index += 1) {
    const event = decodeEvent(rows[index] as EventRow, how)
    if (isPromise(event)) return readLater(events, event, rows.slice(index + 1), how).then(() => ({ events, ...page }))
    if (event !== undefined) events.push(event)
  }
  return { events, ...page }
}

/** Adds the event that is under way and those of the other rows. */
async function readLater(
  events: StoredEvent[],
  coming: Promise<StoredEvent>,
  rows: readonly EventRow[],
  how: Decoding,
): Promise<void> {
  events.push(await coming)
  for (const row of rows) {
    const decoded: Decoded = decodeEvent(row, how)
    // Awaiting what is no promise would cost a turn of the event loop for each event.
    const event = isPromise(decoded) ? await decoded : decoded
    if (event !== undefined) events.push(event)
  }
}
