import { isRillflowError, type ConnectionLostError } from '@rillflow/core'
import type { Executor } from './executor.js'
import type { SettledWrite } from './lost-writes.js'
import type { ChangeRequest } from './refuse-change.js'

/**
 * Runs a write of one document; when its connection is lost, finds out what became of it. Inside a transaction, whose
 * COMMIT decides, the error comes out as it is.
 *
 * @param made the result of the write, of the version that it is found to have made
 * @throws ConnectionLost when nothing is stored, CommitOutcomeUnknown when that cannot be told
 */
export async function knowingOutcome<Result>(
  executor: Executor,
  write: ChangeRequest,
  run: () => Promise<Result>,
  made: (version: number) => Result,
): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    return made(await settleWrite(executor, write, error))
  }
}

/**
 * The version that a write has made which ended with this error.
 *
 * @throws the error, unless it left that open; ConnectionLost when nothing is stored, CommitOutcomeUnknown when that
 * cannot be told
 */
export async function settleWrite(executor: Executor, write: ChangeRequest, error: unknown): Promise<number> {
  const [settled] = await settleWrites(executor, [write], error)
  if (typeof settled === 'number') return settled
  throw settled ?? error
}

/** What became of the writes of one statement that ended with this error; the error, unless it left that open. */
export async function settleWrites(
  { schema, alone }: Executor,
  writes: readonly ChangeRequest[],
  error: unknown,
): Promise<readonly SettledWrite[]> {
  if (alone === undefined || !isRillflowError(error, 'ConnectionLost')) throw error
  const lost = error as ConnectionLostError
  if (lost.sent === undefined) throw error
  return alone.lostWrites.settle({ schema, writeId: alone.writeId, writes, lost })
}
