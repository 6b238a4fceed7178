import type { ExpectedVersion } from '@rillflow/events'
import { SnapshotModel } from './snapshot-model.js'

/** An event as the model knows it. */
export interface ModelEvent {
  readonly streamId: string
  readonly version: number
  readonly n: number
  /** Known from what the store told. */
  readonly position: number
}

/** What an append came to: the version, or the code of the refusal and the actual version of a conflict. */
export type ModelOutcome =
  { readonly version: number; readonly position: number | 'new' } | { readonly code: string; readonly actual?: number }

interface ModelStream {
  events: ModelEvent[]
  archived: boolean
  tombstoned: boolean
  readonly keys: Map<string, { readonly payload: string; readonly version: number; readonly position: number }>
}

/** An append as a command makes it. */
export interface ModelAppend {
  readonly streamId: string
  readonly numbers: readonly number[]
  readonly expected: ExpectedVersion
  readonly key: string | undefined
}

/** What an event store should do, in the plainest way that it can be written down. */
export class EventModel {
  readonly streams = new Map<string, ModelStream>()
  readonly aliases = new Map<string, string>()
  readonly snapshots = new SnapshotModel()
  /** All events, in the order in which they were appended. */
  log: ModelEvent[] = []

  /** What an append should come to. */
  foresee({ streamId, numbers, expected, key }: ModelAppend): ModelOutcome {
    const stream = this.streams.get(streamId)
    const used = key === undefined ? undefined : stream?.keys.get(key)
    if (used !== undefined) {
      return used.payload === JSON.stringify(numbers)
        ? { version: used.version, position: used.position }
        : { code: 'IdempotencyMismatch' }
    }
    if (stream?.tombstoned) return { code: 'StreamTombstoned' }
    if (stream?.archived) return { code: 'StreamArchived' }
    const actual = stream?.events.length ?? 0
    if (!isAsExpected(expected, actual)) return { code: 'VersionConflict', actual }
    return { version: actual + numbers.length, position: 'new' }
  }

  /** Takes over an append that the store has told to have written, its last event at this position. */
  append({ streamId, numbers, key }: ModelAppend, position: number): void {
    const stream = this.streamOf(streamId)
    const first = stream.events.length + 1
    const events = numbers.map((n, index) => ({
      streamId,
      version: first + index,
      n,
      position: position - numbers.length + 1 + index,
    }))
    stream.events.push(...events)
    this.log = [...this.log, ...events].toSorted((one, other) => one.position - other.position)
    if (key === undefined) return
    stream.keys.set(key, { payload: JSON.stringify(numbers), version: stream.events.length, position })
  }

  /** What becomes of a stream that is closed or opened: undefined when it is done, else the code of the refusal. */
  close(action: 'archive' | 'unarchive' | 'tombstone', streamId: string): string | undefined {
    const stream = action === 'tombstone' ? this.streamOf(streamId) : this.streams.get(streamId)
    if (stream === undefined) return 'StreamNotFound'
    if (action === 'tombstone') stream.tombstoned = true
    else if (stream.tombstoned) return 'StreamTombstoned'
    else stream.archived = action === 'archive'
    return undefined
  }

  /** The events that a state is made of: those of a tombstoned stream are none. */
  visible(streamId: string): readonly ModelEvent[] {
    const stream = this.streams.get(streamId)
    return stream === undefined || stream.tombstoned ? [] : stream.events
  }

  /** The versions of all streams but those that are tombstoned. */
  openVersions(): ReadonlyMap<string, number> {
    const open = [...this.streams].filter(([, { tombstoned }]) => !tombstoned)
    return new Map(open.map(([streamId, { events }]) => [streamId, events.length]))
  }

  streamOf(streamId: string): ModelStream {
    let stream = this.streams.get(streamId)
    if (stream === undefined) {
      stream = { events: [], archived: false, tombstoned: false, keys: new Map() }
      this.streams.set(streamId, stream)
    }
    return stream
  }
}

function isAsExpected(expected: ExpectedVersion, actual: number): boolean {
  if (expected === 'any') return true
  if (expected === 'streamExists') return actual > 0
  return actual === (expected === 'noStream' ? 0 : expected)
}
