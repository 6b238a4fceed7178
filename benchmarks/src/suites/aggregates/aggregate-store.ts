import { runOnce } from '../../stores/pool.js'
import type { OrderTotals } from './order-fold.js'

/** A store of aggregates under test: the least that each of them can do. */
export interface AggregateStore {
  /** Appends `events` to a stream that does not exist, by a hundred at the most, as a stream grows. */
  fill(stream: string, events: number): Promise<void>
  /** Loads the state of a stream. */
  load(stream: string): Promise<OrderTotals>
  /** Loads the state, decides on one event, and returns when that is durable. */
  execute(stream: string): Promise<unknown>
  /** Whether `execute` has given up because others were faster. */
  isConflict(error: unknown): boolean
  /** How many events are stored, counted in the database. */
  count(): Promise<number>
  close(): Promise<void>
}

/** Opens a store on an empty database, tables made. */
export type OpenAggregateStore = (url: string) => Promise<AggregateStore>

/** How many events go in with one append when a stream is filled. */
export const FILLED_AT_ONCE = 100

const FILLERS = 20

/** Streams to be filled. */
export interface Filling {
  readonly url: string
  readonly streams: readonly string[]
  /** In each of them. */
  readonly events: number
}

/** Fills streams, several at a time, and leaves the database as one that has had them for a while. */
export async function fillStreams(store: AggregateStore, { url, streams, events }: Filling): Promise<void> {
  let next = 0
  const fill = async (): Promise<void> => {
    for (let stream = streams[next++]; stream !== undefined; stream = streams[next++]) await store.fill(stream, events)
  }
  await Promise.all(Array.from({ length: FILLERS }, fill))
  // Whoever reads a new row first marks it as committed, and logs its whole page; that is no part of any round.
  await runOnce(url, 'vacuum analyze')
}
