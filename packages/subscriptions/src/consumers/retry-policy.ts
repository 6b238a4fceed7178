import { InvalidArgumentError } from '@rillflow/core'
import { checkWhole } from './consumer-key.js'

/** How often an event is tried, and how long apart. */
export interface RetryPolicy {
  /** All attempts, the first one counted; 5 unless told. */
  readonly attempts?: number | undefined
  /** Before the second attempt, in milliseconds; 200 unless told. It doubles from attempt to attempt. */
  readonly delay?: number | undefined
  /** The longest pause, in milliseconds; 30,000 unless told. */
  readonly maxDelay?: number | undefined
}

/** The same with nothing left out. */
export interface ResolvedRetry {
  readonly attempts: number
  readonly delay: number
  readonly maxDelay: number
}

/**
 * Fills in what was not told.
 *
 * @throws InvalidArgument
 */
export function resolveRetry(retry: RetryPolicy = {}): ResolvedRetry {
  if (typeof retry !== 'object' || retry === null) {
    throw new InvalidArgumentError('retry', 'retry must be an object of attempts, delay and maxDelay.')
  }
  const { attempts = 5, delay = 200, maxDelay = 30_000 } = retry
  checkWhole('retry.attempts', attempts, [1, 1_000])
  checkWhole('retry.delay', delay, [0, 3_600_000])
  checkWhole('retry.maxDelay', maxDelay, [0, 86_400_000])
  return { attempts, delay, maxDelay }
}

/** How long to wait after the given number of failed attempts, in milliseconds; a fifth of it by chance. */
export function pauseAfter({ delay, maxDelay }: ResolvedRetry, attempts: number): number {
  // 2^30 exceeds every delay; beyond 2^1023 the product would be infinite.
  const pause = Math.min(maxDelay, delay * 2 ** Math.min(attempts - 1, 30))
  return Math.round(pause * (0.8 + Math.random() * 0.2))
}
