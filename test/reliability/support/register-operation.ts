import type { Outcome } from './known-outcome.js'

/** One call of one client on one register: a document whose values are all different. */
export interface RegisterOperation {
  readonly register: string
  /** A `change` reads and writes as one. */
  readonly kind: 'read' | 'write' | 'change'
  /** When it began and when it ended, on a clock that all clients share. */
  readonly begin: number
  readonly end: number
  readonly outcome: Outcome
  /** What was written, or read; undefined where a read found nothing. */
  readonly value?: string | undefined
  /** Which version that is, where the call told; of a refused write the version that it was told instead. */
  readonly version?: number | undefined
  /** The version that a write was to replace. */
  readonly expected?: number | undefined
  /** What a change has read; undefined where it found nothing. */
  readonly saw?: string | undefined
}
