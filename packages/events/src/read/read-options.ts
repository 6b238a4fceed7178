import { InvalidArgumentError } from '@rillflow/core'
import type { EventFilter } from './event-filter.js'

export type Direction = 'forward' | 'backward'

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
}

export const defaultPageSize = 500

/** Refuses what is neither undefined nor a whole number of at least `least`. */
export function checkCount(argument: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return
  throw new InvalidArgumentError(argument, `${argument} must be a whole number of at least ${least}.`)
}

/** Refuses what is no direction. */
export function checkDirection(direction: Direction | undefined): void {
  if (direction === undefined || direction === 'forward' || direction === 'backward') return
  throw new InvalidArgumentError('direction', "direction must be 'forward' or 'backward'.")
}
