import { safeInteger } from '@rillflow/core'
import type { PreparedAppend } from './prepare-append.js'

/** What an append wrote. */
export interface AppendResult {
  readonly streamId: string
  /** The stream's version now, which is that of the last event appended. */
  readonly version: number
  /** The position of the last event appended. */
  readonly position: number
  /** The ids of the events, in order. */
  readonly eventIds: readonly string[]
}

/** The result of an append, from what the database says of its last event. */
export function toResult(append: PreparedAppend, version: string, position: string): AppendResult {
  return {
    streamId: append.streamId,
    version: safeInteger(version, 'version'),
    position: safeInteger(position, 'position'),
    eventIds: append.events.map((event) => event.id),
  }
}
