import type { StoredEvent } from '@rillflow/events'
import type { Delivery, RunOptions, SubscriptionLike, SubscriptionStore } from '@rillflow/subscriptions'
import { atEnd } from './at-end.js'

/** A run in the background; it ends with its test. */
export interface Run {
  /** Asks it to end; resolves when it has, and rejects with what ended it before. */
  readonly stop: () => Promise<void>
  readonly ended: Promise<void>
}

/** What has subscriptions. */
export interface Runnable {
  readonly subscriptions: Pick<SubscriptionStore, 'run'>
}

/** Starts a run that goes on until it is stopped. */
export function startRun<Event extends StoredEvent>(
  store: Runnable,
  subscription: SubscriptionLike<Event>,
  handle: (delivery: Delivery<Event>) => Promise<void> | void,
  options: RunOptions = {},
): Run {
  const stopping = new AbortController()
  const ended = store.subscriptions.run(subscription, handle, { ...options, signal: stopping.signal })
  const stop = async (): Promise<void> => {
    stopping.abort()
    await ended
  }
  // Its error is looked at by whoever awaits it.
  ended.catch(() => undefined)
  atEnd(() => stop().catch(() => undefined))
  return { ended, stop }
}

/** Leases that end soon, for tests in which one must end by itself. */
export const shortLease = { duration: 300, poll: 20 } as const

/** Leases that last, and workers that look often. */
export const eagerLease = { duration: 60_000, poll: 20 } as const

/** Leases whose workers hear soon of what operators do. */
export const nimbleLease = { duration: 1_500, poll: 20 } as const

/** Retries without a pause that a test would feel. */
export const quick = { attempts: 3, delay: 1 } as const
