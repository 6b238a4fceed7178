import type { ModelEvent } from './event-model.js'
import { every, type Shape, type Tally } from './model-store.js'

/** A snapshot as the model knows it: its state is the fold of so many events of its stream. */
export interface ModelSnapshot {
  readonly shape: Shape
  readonly version: number
  /** It ends with an event that the stream does not have, as after a restore, and its state is anything. */
  readonly lost: boolean
}

/** A stream that a snapshotter should find. */
export interface ModelCandidate {
  readonly streamId: string
  readonly version: number
  readonly gap: number
}

/** The state after these events. */
export function foldOf(shape: Shape, events: readonly ModelEvent[]): Tally {
  return { shape, numbers: events.map(({ n }) => n * shape) }
}

/** Which snapshots there should be: one at the most of each stream, whichever shape it is of. */
export class SnapshotModel {
  readonly rows = new Map<string, ModelSnapshot>()

  /** Whether a commit from one version to another is to take a snapshot. */
  isDue(from: number, to: number): boolean {
    return Math.floor(to / every) > Math.floor(from / every)
  }

  /** A snapshot of a stream as it is now; one of a newer shape is left alone. */
  take(streamId: string, shape: Shape, version: number): void {
    const row = this.rows.get(streamId)
    if (row === undefined || row.shape <= shape) this.rows.set(streamId, { shape, version, lost: false })
  }

  /** The streams, with their versions, that need a snapshot of this shape, in the order of their ids. */
  candidates(versions: ReadonlyMap<string, number>, shape: Shape, threshold: number): readonly ModelCandidate[] {
    return [...versions]
      .filter(([streamId]) => (this.rows.get(streamId)?.shape ?? 0) <= shape)
      .map(([streamId, version]) => ({ streamId, version, gap: version - this.#usable(streamId, shape) }))
      .filter(({ gap }) => gap >= threshold)
      .toSorted((one, other) => (one.streamId < other.streamId ? -1 : 1))
  }

  /** The version of the snapshot that a load by this shape may begin with; 0 without one. */
  #usable(streamId: string, shape: Shape): number {
    const row = this.rows.get(streamId)
    return row === undefined || row.lost || row.shape !== shape ? 0 : row.version
  }
}
