import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What `work` gives, or undefined when it is not there before `deadline`, in milliseconds of `performance.now()`: a
 * connection that is half open may never answer.
 */
export async function before<Result>(deadline: number, work: Promise<Result>): Promise<Result | undefined> {
  const won = new AbortController()
  const late = sleep(Math.max(0, deadline - performance.now()), undefined, { signal: won.signal })
  try {
    return await Promise.race([work, late])
  } finally {
    // The race has seen to it that the loser's error is nobody's.
    won.abort()
  }
}
