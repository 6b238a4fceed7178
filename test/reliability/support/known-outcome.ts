import { isRillflowError, type VersionConflictError } from '@rillflow/core'

/** How an attempt ended for its caller: `refused` and `failed` promise that nothing of it is stored. */
export type Outcome = 'ok' | 'refused' | 'failed' | 'unknown'

/** What an attempt came to; `actual` is the version that a conflict told to be there. */
export interface Attempted<Result> {
  readonly outcome: Outcome
  readonly result?: Result
  readonly actual?: number | undefined
}

/** Runs a call and says how it ended for its caller; an error that neither a fault nor a race explains is thrown on. */
export async function attempt<Result>(call: () => Promise<Result>): Promise<Attempted<Result>> {
  try {
    return { outcome: 'ok', result: await call() }
  } catch (error) {
    const isConflict = isRillflowError(error, 'VersionConflict')
    return { outcome: outcomeOf(error), actual: isConflict ? (error as VersionConflictError).actual : undefined }
  }
}

function outcomeOf(error: unknown): Exclude<Outcome, 'ok'> {
  // A deadlock comes out when it was met in every attempt that the store makes.
  if (isRillflowError(error, 'VersionConflict') || isRillflowError(error, 'Deadlock')) return 'refused'
  if (isRillflowError(error, 'CommitOutcomeUnknown')) return 'unknown'
  if (!isRillflowError(error, 'ConnectionLost')) throw error
  return 'failed'
}
