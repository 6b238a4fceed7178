import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRillflowError, type Logger, type Scope } from '@rillflow/core'
import { claimLeases, requestHandover, type Claimant } from './claim-leases.js'
import { releaseLease } from './checkpoint.js'
import { describeConsumer, type ConsumerKey } from './consumer-key.js'
import { Heartbeat } from './heartbeat.js'
import { mayPass } from './is-transient.js'
import { Lease } from './lease.js'

/** How leases are kept, in milliseconds. */
export interface LeaseTimes {
  /** How long a lease lasts when it is not renewed: a worker that is killed is replaced after that. */
  readonly duration: number
  /** How often a worker that waits for its turn looks for a free lease. */
  readonly poll: number
}

/** As a worker is replaced within ten seconds of being killed, with room for the server's own delays. */
export const leaseTimes: LeaseTimes = { duration: 5_000, poll: 1_000 }

/** One worker of one consumer. */
export interface ConsumerRun {
  readonly scope: Scope
  readonly key: ConsumerKey
  readonly logger: Logger
  readonly times: LeaseTimes
  /** Of what the worker was made for; 1 unless told. */
  readonly version?: number | undefined
  /** Takes what is free, works, and ends, instead of waiting for more. */
  readonly once?: boolean | undefined
  /** Ends the run: what is in hand is finished, and leases are released. */
  readonly signal: AbortSignal
  /**
   * Works under a lease until `ending` is aborted, and then finishes what it has in hand. `ensureLease` resolves when the
   * lease is known to last.
   */
  readonly work: (
    lease: Lease,
    how: { readonly ending: AbortSignal; readonly ensureLease: () => Promise<void> },
  ) => Promise<void>
}

/** After trouble with the database, in milliseconds. */
const backoff = { first: 100, most: 5_000 }

/**
 * Takes leases of the consumer's partitions as they become free, works under each of them, and begins anew when one is
 * lost. Ends when the signal is aborted, and throws what no later attempt would mend.
 *
 * @throws ConsumerStopped when an event could not be handled and the policy is to stop.
 */
export async function runConsumer(run: ConsumerRun): Promise<void> {
  const workers = new Workers(run)
  try {
    await workers.run()
  } finally {
    await workers.end()
  }
}

class Workers {
  readonly #run: ConsumerRun
  readonly #claimant: Claimant
  readonly #heartbeat: Heartbeat
  readonly #ending = new AbortController()
  readonly #tasks = new Set<Promise<void>>()
  /** What is done under the latest lease on each consumer. */
  readonly #latest = new Map<string, { readonly lease: Lease; readonly task: Promise<void> }>()
  #partitions = Number.POSITIVE_INFINITY
  #failure: { readonly error: unknown } | undefined
  /** How long the latest trouble was waited for, in milliseconds. */
  #pause = 0
  #isTroubled = false
  /** Ends the pause between two looks. */
  #look = new AbortController()

  constructor(run: ConsumerRun) {
    const { scope, times, logger, version = 1 } = run
    this.#run = run
    this.#claimant = { worker: randomUUID(), duration: times.duration, most: 1_000, version }
    this.#heartbeat = new Heartbeat({ scope, worker: this.#claimant.worker, duration: times.duration, logger })
    const end = (): void => {
      this.#ending.abort(run.signal.reason)
      this.#look.abort()
    }
    if (run.signal.aborted) end()
    run.signal.addEventListener('abort', end, { once: true })
    this.#ending.signal.addEventListener('abort', () => run.signal.removeEventListener('abort', end), { once: true })
  }

  async run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      if (this.#tasks.size < this.#partitions) await this.#claim()
      if (this.#run.once === true) await Promise.all(this.#tasks)
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#run.once === true) return
      await this.#sleep()
    }
  }

  /** Lets all that is in hand finish. Throws what no later attempt would mend, whenever that came. */
  async end(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#tasks)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #claim(): Promise<void> {
    const { scope, key, logger, times } = this.#run
    try {
      const deadline = performance.now() + times.duration
      const claims = await claimLeases(scope, key, this.#claimant)
      for (const claim of claims) {
        this.#partitions = claim.partitions
        const lease = new Lease(claim, { scope, consumer: describeConsumer(key), deadline })
        this.#begin(lease)
      }
      if (claims.length > 0) return
      await requestHandover(scope, key, this.#claimant)
      this.#pause = 0
    } catch (error) {
      if (!mayPass(error)) throw error
      logger.warn({ err: error }, 'no lease could be looked for; trying again')
      this.#slowDown()
    }
  }

  #begin(lease: Lease): void {
    const { consumerId } = lease.claim
    const before = this.#latest.get(consumerId)
    // It ended in the database, by an act of an operator that its holder has not heard of yet.
    before?.lease.lose()
    const task = this.#work(lease, before?.task).finally(() => {
      this.#tasks.delete(task)
      if (this.#latest.get(consumerId)?.task === task) this.#latest.delete(consumerId)
      this.#look.abort()
    })
    this.#tasks.add(task)
    this.#latest.set(consumerId, { lease, task })
  }

  /** One lease from its beginning to its end, after what was done under the one `before`. */
  async #work(lease: Lease, before: Promise<void> | undefined): Promise<void> {
    const { logger, work, key } = this.#run
    this.#heartbeat.keep(lease)
    await before
    const ending = AbortSignal.any([this.#ending.signal, lease.lost, lease.wanted])
    try {
      await work(lease, { ending, ensureLease: () => this.#heartbeat.ensure(lease) })
      this.#pause = 0
    } catch (error) {
      if (isRillflowError(error, 'LeaseLost')) {
        logger.info({ consumer: describeConsumer(key), partition: lease.claim.partition }, 'a lease was lost')
      } else if (mayPass(error)) {
        logger.warn({ err: error, consumer: describeConsumer(key) }, 'a worker was interrupted; trying again')
        // What came further has found the trouble over in between.
        if (lease.position > lease.claim.position) this.#pause = 0
        this.#slowDown()
      } else {
        this.#failure ??= { error }
        this.#ending.abort()
      }
    } finally {
      this.#heartbeat.drop(lease)
      await releaseLease(lease).catch((error: unknown) => {
        logger.debug({ err: error }, 'a lease could not be released; it ends by itself')
      })
    }
  }

  #slowDown(): void {
    this.#pause = Math.min(Math.max(this.#pause * 2, backoff.first), backoff.most)
    this.#isTroubled = true
  }

  /** Until it is time for the next look, a lease ended, or the run does; and longer after trouble. */
  async #sleep(): Promise<void> {
    await sleep(this.#run.times.poll, undefined, { signal: this.#look.signal }).catch(() => undefined)
    if (this.#ending.signal.aborted) return
    this.#look = new AbortController()
    if (!this.#isTroubled) return
    this.#isTroubled = false
    await sleep(this.#pause, undefined, { signal: this.#ending.signal }).catch(() => undefined)
  }
}
