import { InvalidArgumentError } from '@rillflow/core'
import type { EventFilter } from './event-filter.js'

/** `forward` is from the oldest event to the newest. */
export type Direction = 'forward' | 'backward'

/** Whether the events of closed streams are read. */
export type Presence = 'include' | 'exclude'

/** What part of a stream is read, and how. */
export interface ReadStreamOptions {
  /** The lowest version, itself included; 1 unless told. */
  readonly from?: number | undefined
  /** The highest version, itself included; the last one unless told. */
  readonly to?: number | undefined
  /** `forward` unless told. */
  readonly direction?: Direction | undefined
  /** The most events; all unless told. */
  readonly limit?: number | undefined
  /** How many events an iteration fetches at a time; 500 unless told. */
  readonly pageSize?: number | undefined
  /**
   * False gives of each event what a fold needs, its type, data, version and stream id, in about half the time.
   */
  readonly metadata?: boolean | undefined
  /** Validates the data of each event by the schema of its type, and gives what the schema makes of it. */
  readonly validate?: boolean | undefined
  /**
   * `include` gives the events of a tombstoned stream too; unless told, such a stream reads as one that does not exist.
   */
  readonly tombstoned?: Presence | undefined
}

/** What part of the store is read, and how. */
export interface ReadAllOptions<Type extends string = string> {
  /** Only events beyond this position; 0 unless told. */
  readonly after?: number | undefined
  /** Only events up to this position, itself included; the safe head unless told, and never beyond it. */
  readonly to?: number | undefined
  /** Only these events; an event that several filters match comes once. */
  readonly filter?: EventFilter<Type> | readonly EventFilter<Type>[] | undefined
  /** `forward` unless told. */
  readonly direction?: Direction | undefined
  /** The most events; all unless told. */
  readonly limit?: number | undefined
  /** How many events an iteration fetches at a time; 500 unless told. */
  readonly pageSize?: number | undefined
  /** Validates the data of each event by the schema of its type, and gives what the schema makes of it. */
  readonly validate?: boolean | undefined
  /**
   * `exclude` leaves out the events of streams that are archived when the page is read. `include` unless told: a reader
   * that keeps its place would never come back to what it left out.
   */
  readonly archived?: Presence | undefined
  /** The same for tombstoned streams. */
  readonly tombstoned?: Presence | undefined
}

/** How many events, or streams, an iteration fetches at a time unless told. */
export const defaultPageSize = 500

/** Refuses what is neither undefined nor a whole number of at least `least`. */
export function checkCount(argument: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return
  throw new InvalidArgumentError(argument, `${argument} must be a whole number of at least ${least}.`)
}

/** Refuses what does not fit of the options that both reads have. */
export function checkRange(options: Pick<ReadAllOptions, 'to' | 'limit' | 'pageSize' | 'direction'>): void {
  checkCount('to', options.to, 0)
  checkCount('limit', options.limit, 0)
  checkCount('pageSize', options.pageSize, 1)
  checkDirection(options.direction)
}

function checkDirection(direction: Direction | undefined): void {
  if (direction === undefined || direction === 'forward' || direction === 'backward') return
  throw new InvalidArgumentError('direction', "direction must be 'forward' or 'backward'.")
}

/** Refuses what says neither that events are read nor that they are left out. */
export function checkPresence(argument: string, presence: Presence | undefined): void {
  if (presence === undefined || presence === 'include' || presence === 'exclude') return
  throw new InvalidArgumentError(argument, `${argument} must be 'include' or 'exclude'.`)
}
