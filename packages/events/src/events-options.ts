import type { GroupCommitOptions } from './append/append-queue.js'
import type { NewerVersions, UnknownTypes } from './definitions/event-registry.js'
import type { IndexedColumn } from './read/read-all-statement.js'
import type { Upcaster } from './upcasting/upcaster.js'

/** How the event store of a process works. */
export interface EventsOptions {
  /**
   * Concurrent appends share statements: while one is out, others queue, and leave together when it lands. True unless
   * told; false sends each on its own.
   */
  readonly groupCommit?: boolean | GroupCommitOptions | undefined
  /**
   * Readers are woken by a notification, at most one every 10 ms, on a connection of their own. True unless told; false
   * polls alone, for poolers that keep no session.
   */
  readonly wakeUps?: boolean | undefined
  /**
   * What reading does with an event whose type is in none of the families. `throw` unless told; `skip` leaves it out;
   * `pass` gives it as it is, outside the types.
   */
  readonly unknownTypes?: UnknownTypes | undefined
  /**
   * What reading does with an event that newer code stored, in a version that no upcaster here knows: the same choice,
   * `throw` unless told.
   */
  readonly newerVersions?: NewerVersions | undefined
  /** How older forms of events are read; see `upcaster`. */
  readonly upcasters?: readonly Upcaster[] | undefined
  /**
   * Indexes for filters on the feed, each with the position. Each costs every append, and an index on a large table takes
   * its time: none unless told.
   */
  readonly indexes?: readonly IndexedColumn[] | undefined
  /** How long to look for the outcome of an append whose connection was lost, in milliseconds; 10,000 unless told. */
  readonly outcomeTimeout?: number | undefined
}
