import type { Scope } from '@rillflow/core'
import { LeaseLostError } from '../errors.js'
import type { Claim, Failing } from './claim-leases.js'

/** The lease of one partition of a consumer, from its acquisition to its loss or release. */
export class Lease {
  readonly claim: Claim
  readonly scope: Scope
  /** The consumer in messages. */
  readonly consumer: string
  /** The checkpoint, as it stands in the database under this lease. */
  position: number
  /** The event that failed last, as it stands in the database. */
  failing: Failing | undefined
  maxInFlight: number
  /** Called when `maxInFlight` has changed. */
  changed: () => void = () => undefined
  readonly #lost = new AbortController()
  readonly #wanted = new AbortController()
  #deadline: number

  constructor(claim: Claim, of: { readonly scope: Scope; readonly consumer: string; readonly deadline: number }) {
    this.claim = claim
    this.scope = of.scope
    this.consumer = of.consumer
    this.position = claim.position
    this.failing = claim.failing
    this.maxInFlight = claim.maxInFlight
    this.#deadline = of.deadline
  }

  /** Aborted, with a {@link LeaseLostError}, when the lease is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Aborted when another worker asks for the partition. */
  get wanted(): AbortSignal {
    return this.#wanted.signal
  }

  /**
   * Whether the lease lasts still, by this process's clock. After a pause of the whole process nobody knows before the
   * next renewal, and nothing may be begun that the database cannot undo.
   */
  get isFresh(): boolean {
    return performance.now() < this.#deadline
  }

  /** The lease was renewed, as asked for at a time that is `duration` before `deadline`. */
  renewed(deadline: number, maxInFlight: number, wanted: boolean): void {
    this.#deadline = deadline
    if (this.maxInFlight !== maxInFlight) {
      this.maxInFlight = maxInFlight
      this.changed()
    }
    if (wanted) this.#wanted.abort()
  }

  lose(): void {
    this.#lost.abort(new LeaseLostError(this.consumer))
  }

  /** The error for a write that found another epoch. */
  lostError(): LeaseLostError {
    this.lose()
    return this.#lost.signal.reason as LeaseLostError
  }
}
