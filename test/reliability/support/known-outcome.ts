import { isRillflowError, type ConnectionLostError, type VersionConflictError } from '@rillflow/core'

/** How an attempt ended for its caller: `refused` and `failed` promise that nothing of it is stored. */
export type Outcome = 'ok' | 'refused' | 'failed' | 'unknown'

/** Which calls may have stored something when their connection is lost: a document's single statement, and no other. */
export type Sending = 'single statement' | 'transaction' | 'append'

/** What an error tells of the attempt that it ended; an error that neither a fault nor a race explains is thrown on. */
export function outcomeOf(error: unknown, sending: Sending): Exclude<Outcome, 'ok'> {
  // A deadlock comes out when it was met in every attempt that the store makes.
  if (isRillflowError(error, 'VersionConflict') || isRillflowError(error, 'Deadlock')) return 'refused'
  if (isRillflowError(error, 'CommitOutcomeUnknown')) return 'unknown'
  if (!isRillflowError(error, 'ConnectionLost')) throw error
  return sending === 'single statement' && (error as ConnectionLostError).sent !== undefined ? 'unknown' : 'failed'
}

/** The version that a conflict told to be there; undefined for every other error. */
export function actualVersion(error: unknown): number | undefined {
  return isRillflowError(error, 'VersionConflict') ? (error as VersionConflictError).actual : undefined
}
