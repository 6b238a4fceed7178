import { setTimeout as sleep } from 'node:timers/promises'
import { isRillflowError } from '../errors/rillflow-error.js'
import { InvalidConfigError } from '../errors/usage-errors.js'

/** How often a transaction that the library owns is run again after the server broke it to resolve a race. */
export interface RetryOptions {
  /** The most runs, the first one counted; 5 unless told. */
  readonly attempts?: number | undefined
}

/** Runs `work` again after a serialization failure or a deadlock, with a growing random pause; other errors pass. */
export async function withRetry<Result>(
  work: (attempt: number) => Promise<Result>,
  options: RetryOptions = {},
): Promise<Result> {
  const attempts = options.attempts ?? 5
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt)
    } catch (error) {
      if (attempt >= attempts || !isRace(error)) throw error
      // Random, because two losers that wait alike meet again.
      await sleep(Math.min(1_000, Math.random() * 5 * 2 ** attempt))
    }
  }
}

/** Refuses a number of attempts that would run nothing, or run for ever. */
export function checkRetry(options: RetryOptions): void {
  const { attempts } = options
  if (attempts === undefined || (Number.isSafeInteger(attempts) && attempts >= 1)) return
  throw new InvalidConfigError(`retry.attempts is ${attempts}; give a whole number from 1, or leave it out for 5.`)
}

function isRace(error: unknown): boolean {
  return isRillflowError(error, 'SerializationFailure') || isRillflowError(error, 'Deadlock')
}
