import { isRillflowError } from '@rillflow/core'

/** Codes that say something of the connection or the lease, and nothing of the event that was handled. */
const transient = new Set(['ConnectionLost', 'CommitOutcomeUnknown', 'DriverError', 'PoolTimeout', 'LeaseLost'])

/** Whether a statement of the worker's own may succeed if it is sent again; no event has to do with it. */
export function mayPass(error: unknown): boolean {
  return isTransient(error) || (isRillflowError(error) && error.retryable)
}

/** As deep as causes are looked at; they may be a circle. */
const depth = 5

/**
 * Tells whether a handler failed for want of the database, or of its lease, whatever it wrapped that in: no event is to
 * blame, none may become a dead letter for it, and the same work is done again when the trouble is over.
 */
export function isTransient(error: unknown): boolean {
  let each: unknown = error
  for (let level = 0; level < depth && typeof each === 'object' && each !== null; level += 1) {
    if (isRillflowError(each) && transient.has(each.code)) return true
    each = (each as { readonly cause?: unknown }).cause
  }
  return false
}
