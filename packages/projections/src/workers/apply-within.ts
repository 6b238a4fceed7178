import { defineStatement, isRillflowError, type TransactionScope } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import { HandlerTimeoutError, isTransient, type Lease } from '@rillflow/subscriptions'
import type { ProjectionRunner } from '../apply/projection-runner.js'
import type { WriteTarget } from '../targets/fold-target.js'

/** Both end with the transaction. The second ends the connection of a process that was frozen in the middle of it. */
const limitStatement = defineStatement(
  'limit_projection',
  () => `select set_config('statement_timeout', $1::text, true) as one,
  set_config('idle_in_transaction_session_timeout', $1::text, true) as two`,
)

/** How events are applied in one transaction. */
export interface Applying {
  readonly runner: ProjectionRunner
  readonly target: WriteTarget
  readonly lease: Lease
  /** How long it may take, in milliseconds. */
  readonly timeout: number
}

/**
 * Applies events for so long, and not beyond the loss of the lease: whoever has it next may wait for rows that this
 * transaction holds.
 *
 * @throws HandlerTimeout, LeaseLost, ProjectionFailed
 */
export async function applyWithin(
  scope: TransactionScope,
  { runner, target, lease, timeout }: Applying,
  events: readonly StoredEvent[],
): Promise<void> {
  if (events.length === 0) return
  const over = new AbortController()
  const late = setTimeout(() => over.abort(new HandlerTimeoutError(lease.consumer, timeout)), timeout)
  const lose = (): void => over.abort(lease.lost.reason)
  lease.lost.addEventListener('abort', lose, { once: true })
  if (lease.lost.aborted) lose()
  try {
    // Sent together with the first statement behind it, where statements can be sent ahead.
    const limited = scope.query(limitStatement('-', [`${timeout}`]))
    await Promise.all([limited, Promise.race([runner.applyBatch(scope, events, target), rejectedBy(over.signal)])])
  } finally {
    clearTimeout(late)
    lease.lost.removeEventListener('abort', lose)
  }
}

async function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error)
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}

/** What the projection's target is refused for, whichever event comes. */
const ofTarget = ['SchemaMissing', 'PermissionDenied', 'InvalidConfig']

/**
 * Tells whether a failure says nothing of the events: for want of the database, the lease, or the table that is written.
 * Such a projection is tried again as a whole; taken for a failure of each event it would put all of them aside.
 */
export function isNoEvents(error: unknown): boolean {
  return isTransient(error) || ofTarget.some((code) => isRillflowError(error, code)) || isTableMissing(error)
}

/** A table that is not there, as a handler of the user's own meets it. */
function isTableMissing(error: unknown): boolean {
  let each: unknown = error
  for (let level = 0; level < 5 && typeof each === 'object' && each !== null; level += 1) {
    if ((each as { readonly code?: unknown }).code === '42P01') return true
    each = (each as { readonly cause?: unknown }).cause
  }
  return false
}
