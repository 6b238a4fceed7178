import type { OrderEvent } from './order-events.js'

/** An event store under test: the least that each of them can do. */
export interface EventStore {
  /** Appends to a stream that must stand at `version` (0: must not exist), and returns when that is durable. */
  append(stream: string, version: number, events: readonly OrderEvent[]): Promise<unknown>
  /** Reads a whole stream, decoded; returns how many events it has. */
  load(stream: string): Promise<number>
  /** How many events are stored, counted in the database. */
  count(): Promise<number>
  close(): Promise<void>
}

/** Opens a store on an empty database, tables made. */
export type OpenEventStore = (url: string) => Promise<EventStore>
