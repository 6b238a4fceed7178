import type { RunProjectionsOptions } from '@rillflow/projections'
import type { AccountStore } from './open-store.js'

/** Workers in the background. Leaving their block ends them. */
export interface Workers extends AsyncDisposable {
  readonly ended: Promise<void>
  readonly stop: () => Promise<void>
}

/** Leases that last, and workers that look often. */
export const eager = { duration: 60_000, poll: 10 } as const

/** Leases that end soon, for tests in which one must end by itself. */
export const brief = { duration: 300, poll: 20 } as const

/** Retries without a pause that a test would feel. */
export const quick = { attempts: 3, delay: 1 } as const

/** Starts workers that go on until they are stopped. */
export function startWorkers(
  { projections }: Pick<AccountStore, 'projections'>,
  options: RunProjectionsOptions = {},
): Workers {
  const stopping = new AbortController()
  const ended = projections.run({ lease: eager, retry: quick, ...options, signal: stopping.signal })
  // Looked at by whoever awaits it.
  ended.catch(() => undefined)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await ended
  }
  return { ended, stop, [Symbol.asyncDispose]: stop }
}
