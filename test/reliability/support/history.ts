/** An event as a reader saw it or as it is stored. */
export interface RecordedEvent {
  readonly position: number
  readonly streamId: string
  readonly version: number
  readonly id: string
  readonly type: string
}

/** An append as its writer knows it. */
export interface RecordedAppend {
  readonly streamId: string
  /** The ids of its events, in order. */
  readonly ids: readonly string[]
  /** The version and the position of its last event, as the store told; only of an acknowledged one. */
  readonly version?: number | undefined
  readonly position?: number | undefined
}

/** One try of a writer to write something, and how it ended for the writer. */
export interface Attempt {
  readonly outcome: 'acknowledged' | 'rolledBack' | 'unknown'
  readonly appends: readonly RecordedAppend[]
  /** The id of the document that was put in the same transaction. */
  readonly document?: string | undefined
  /** The code of the error, where there was one. */
  readonly code?: string | undefined
}

/** What the database holds at the end. */
export interface Stored {
  /** In the order of their positions. */
  readonly events: readonly RecordedEvent[]
  /** The version of each stream, as the table of streams has it. */
  readonly streams: ReadonlyMap<string, number>
  readonly documents: readonly string[]
}
