import { setTimeout as sleep } from 'node:timers/promises'
import { InvalidArgumentError, InvalidStateError, type Logger, type Scope } from '@rillflow/core'
import type { StoredEvent, UnreadableEvent } from '@rillflow/events'
import { acknowledge, readCheckpoint } from '../consumers/checkpoint.js'
import { recordFailure, stopConsumer, writeLetters, type FailurePolicy, type Letter } from '../consumers/failures.js'
import { isTransient } from '../consumers/is-transient.js'
import type { Lease } from '../consumers/lease.js'
import { failLetterAgain, hasLetter, settleLetter, type RequeuedLetter } from '../consumers/letters.js'
import { putBackLetters, type PutAside } from '../consumers/put-back-letters.js'
import { pauseAfter, type ResolvedRetry } from '../consumers/retry-policy.js'
import { ConsumerStoppedError, HandlerTimeoutError } from '../errors.js'
import { Acks, type Entry } from './acks.js'
import { bindAcknowledgement, type Acknowledgement } from './acknowledgement.js'
import { Attempt } from './attempt.js'
import type { Delivery } from './delivery.js'
import { giveUpAtOnce } from './nack.js'
import type { PageSource } from './page-source.js'

/** How events are delivered under one lease. */
export interface DeliveryPlan {
  readonly lease: Lease
  readonly source: PageSource
  readonly ensureLease: () => Promise<void>
  readonly logger: Logger
  /** The consumer's part of delivery keys. */
  readonly keyPrefix: string
  readonly retry: ResolvedRetry
  readonly onFailure: FailurePolicy
  /** How long one attempt may take, in milliseconds; undefined for as long as it likes. */
  readonly timeout: number | undefined
  /** How long what is in hand may go on when the worker must end, in milliseconds. */
  readonly grace: number
  /** Whether an event waits for the one before it in its stream, as handlers want it, or only for its turn. */
  readonly inStreamOrder: boolean
  readonly handle: (delivery: Delivery) => Promise<void>
}

/** A place behind a page is not urgent: it is told at the latest after this, in milliseconds. */
const quietPause = 250

/** Delivers the events of one partition under one lease, several at once, and keeps the checkpoint behind them. */
export class Deliveries {
  readonly #plan: DeliveryPlan
  readonly #acks: Acks
  readonly #open = new Set<Promise<void>>()
  readonly #streams = new Map<string, Promise<void>>()
  readonly #fatal = new AbortController()
  /** Of the attempts that are under way. */
  readonly #attempts = new Set<Attempt>()
  #aside: PutAside = { parked: new Set(), ahead: new Set() }
  #wake: () => void = () => undefined
  #flushing: Promise<void> | undefined
  #quiet: NodeJS.Timeout | undefined

  constructor(plan: DeliveryPlan) {
    this.#plan = plan
    this.#acks = new Acks(plan.lease.position)
    // One that waits for its turn must hear that there is room for more.
    plan.lease.changed = () => this.#wake()
    const { lost } = plan.lease
    lost.addEventListener('abort', () => this.#abandon(lost.reason), { once: true })
  }

  /** Delivers until `ending` is aborted, and then finishes what is in hand. */
  async run(ending: AbortSignal): Promise<void> {
    const stopping = AbortSignal.any([ending, this.#fatal.signal])
    stopping.addEventListener('abort', () => this.#wake(), { once: true })
    try {
      const putBack = (letter: RequeuedLetter): Promise<boolean> => this.#putLetterBack(letter, stopping)
      this.#aside = await putBackLetters(this.#plan.lease, stopping, putBack)
      await this.#deliverPages(stopping)
    } catch (error) {
      if (!stopping.aborted) this.#fail(error)
    }
    await this.#drain()
    if (this.#fatal.signal.aborted) throw this.#fatal.signal.reason
    this.#plan.lease.lost.throwIfAborted()
  }

  /** False when it failed again. */
  async #putLetterBack(letter: RequeuedLetter, stopping: AbortSignal): Promise<boolean> {
    const { lease } = this.#plan
    const acknowledgement: Acknowledgement = {
      write: async (scope) => {
        await checkSchema(scope, lease)
        await settleLetter(scope, lease, letter.id)
      },
      stands: async () => !(await hasLetter(lease, letter.id)),
      committed: () => undefined,
    }
    await this.#plan.ensureLease()
    try {
      const event = await this.#readAgain(letter.position)
      // One that a policy of reading leaves out now is settled.
      const settled = event !== undefined && (await this.#attempt(event, letter.attempts + 1, acknowledgement))
      if (!settled) await settleLetter(lease.scope, lease, letter.id)
      return true
    } catch (error) {
      if (stopping.aborted || isTransient(error)) throw error
      await failLetterAgain(lease, letter, error)
      return false
    }
  }

  async #deliverPages(stopping: AbortSignal): Promise<void> {
    const { source } = this.#plan
    let coming = source.next(stopping)
    for (;;) {
      const page = await coming
      // The next page is fetched while this one is handled; its error is looked at when its turn comes.
      coming = source.next(stopping)
      coming.catch(() => undefined)
      for (const event of page.events) {
        await this.#turn(stopping)
        this.#begin(event, undefined, stopping)
      }
      if (page.unreadable === undefined) this.#passed(page.through)
      else {
        await this.#turn(stopping)
        this.#begin(page.unreadable.event, page.unreadable, stopping)
      }
    }
  }

  /** Waits until one more may be in flight. Only what is not acknowledged counts: a slow consumer is not run over. */
  async #turn(stopping: AbortSignal): Promise<void> {
    while (this.#open.size >= this.#plan.lease.maxInFlight && !stopping.aborted) {
      // Not a race of all that is open: each race would leave something behind on every one of them.
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    stopping.throwIfAborted()
  }

  #begin(event: StoredEvent, unreadable: UnreadableEvent | undefined, stopping: AbortSignal): void {
    const entry = this.#acks.begin(event.position)
    const before = this.#plan.inStreamOrder ? this.#streams.get(event.streamId) : undefined
    const task = (async () => {
      await before
      if (stopping.aborted) return
      try {
        await this.#settle({ event, unreadable, acknowledgement: this.#acknowledgementOf(entry), stopping })
        this.#acknowledged(entry, false)
      } catch (error) {
        if (!stopping.aborted) this.#fail(error)
      }
    })()
    this.#open.add(task)
    this.#streams.set(event.streamId, task)
    void task.finally(() => {
      this.#open.delete(task)
      if (this.#streams.get(event.streamId) === task) this.#streams.delete(event.streamId)
      this.#wake()
    })
  }

  /** Returns when the event may be acknowledged: it was handled, or put aside. */
  async #settle({ event, unreadable, acknowledgement, stopping }: Begun): Promise<void> {
    const { lease, retry } = this.#plan
    if (this.#aside.parked.has(event.streamId)) return this.#putAside({ event, parks: true, failure: undefined })
    if (this.#aside.ahead.has(event.position)) return
    const before = lease.failing?.position === event.position ? lease.failing : undefined
    let attempts = before?.attempts ?? 0
    let wait = before?.wait ?? 0
    for (;;) {
      if (wait > 0) await sleep(wait, undefined, { signal: stopping })
      await this.#plan.ensureLease()
      let error: unknown
      try {
        const readable = unreadable === undefined ? event : await this.#readAgain(event.position)
        if (readable !== undefined) await this.#attempt(readable, attempts + 1, acknowledgement)
        return
      } catch (thrown) {
        error = thrown
      }
      stopping.throwIfAborted()
      if (isTransient(error)) throw error
      attempts += 1
      if (attempts >= retry.attempts || giveUpAtOnce(error)) return this.#giveUp(event, attempts, error)
      wait = pauseAfter(retry, attempts)
      this.#plan.logger.warn({ err: error, position: event.position, attempts }, 'an event failed; it is tried again')
      await recordFailure(lease, { position: event.position, attempts, wait, error })
    }
  }

  async #readAgain(position: number): Promise<StoredEvent | undefined> {
    const { events, unreadable } = await this.#plan.source.again(position)
    if (unreadable !== undefined) throw unreadable.error
    return events[0]
  }

  /** Hands the event to the handler once; true when the handler has acknowledged it in a transaction of its own. */
  async #attempt(event: StoredEvent, attempt: number, acknowledgement: Acknowledgement): Promise<boolean> {
    const { handle, timeout, lease, keyPrefix, logger } = this.#plan
    lease.lost.throwIfAborted()
    const current = new Attempt()
    const delivery: Delivery = {
      event,
      key: `${keyPrefix}:${event.id}`,
      attempt,
      get signal() {
        return current.signal
      },
    }
    const bound = bindAcknowledgement(delivery, acknowledgement, current)
    const tooLate = (): void => current.abort(new HandlerTimeoutError(lease.consumer, timeout ?? 0))
    const limit = timeout === undefined ? undefined : setTimeout(tooLate, timeout)
    this.#attempts.add(current)
    try {
      // A handler that does not heed its signal is left behind: it must not hold the others.
      await current.until(handle(delivery))
    } catch (error) {
      if (!(await bound.ended())) throw error
      logger.warn({ err: error, position: event.position }, 'a handler failed after its event was acknowledged')
      return true
    } finally {
      clearTimeout(limit)
      this.#attempts.delete(current)
    }
    return bound.confirm()
  }

  /** Ends the attempts that are under way, as far as they heed it. */
  #abandon(reason: unknown): void {
    for (const attempt of this.#attempts) attempt.abort(reason)
  }

  /** A transaction of the handler's own moves the checkpoint. */
  #acknowledgementOf(entry: Entry): Acknowledgement {
    const { lease } = this.#plan
    return {
      write: async (scope) => {
        if (!this.#acks.isFirst(entry)) {
          throw new InvalidStateError(
            'ack: earlier events are not acknowledged yet, and a transaction moves the checkpoint past all of them. ' +
              'Set maxInFlight to 1, and use partitions for work side by side.',
          )
        }
        await checkSchema(scope, lease)
        await acknowledge(scope, lease, { position: entry.position, once: true })
      },
      stands: async () => (await readCheckpoint(lease)) >= entry.position,
      committed: () => {
        lease.position = Math.max(lease.position, entry.position)
      },
    }
  }

  async #giveUp(event: StoredEvent, attempts: number, error: unknown): Promise<void> {
    const { lease, onFailure, logger } = this.#plan
    if (onFailure === 'stop') {
      await stopConsumer(lease, error)
      throw new ConsumerStoppedError(lease.consumer, event.position, error)
    }
    logger.error(
      { err: error, position: event.position, attempts },
      'an event failed for good; it is a dead letter now',
    )
    await this.#putAside({ event, parks: onFailure === 'park', failure: { attempts, error } })
  }

  /** Stored before the checkpoint can pass it. */
  async #putAside(letter: Letter): Promise<void> {
    const { lease } = this.#plan
    if (letter.parks) this.#aside.parked.add(letter.event.streamId)
    await writeLetters(lease.scope, lease, [letter])
  }

  #passed(through: number): void {
    if (through > this.#acks.through) this.#acknowledged(this.#acks.begin(through), true)
  }

  #acknowledged(entry: Entry, quiet: boolean): void {
    if (!this.#acks.done(entry)) return
    if (!quiet) this.#flush()
    else this.#quiet ??= setTimeout(() => this.#flush(), quietPause)
  }

  /** Tells the database, one statement at a time: what is acknowledged meanwhile goes with the next. */
  #flush(): void {
    clearTimeout(this.#quiet)
    this.#quiet = undefined
    if (this.#flushing !== undefined || !this.#hasNews()) return
    this.#flushing = this.#tell().catch((error: unknown) => this.#fail(error))
  }

  #hasNews(): boolean {
    const { lease } = this.#plan
    return this.#acks.through > lease.position && !lease.lost.aborted
  }

  async #tell(): Promise<void> {
    const { lease } = this.#plan
    try {
      while (this.#hasNews()) {
        const position = this.#acks.through
        await acknowledge(lease.scope, lease, { position, once: false })
        lease.position = position
      }
    } finally {
      // In the turn of the last look: what is acknowledged in the next one must find nobody telling.
      this.#flushing = undefined
    }
  }

  #fail(error: unknown): void {
    this.#fatal.abort(error)
  }

  /** Waits for what is in hand, as long as it may take, and tells where it came to. */
  async #drain(): Promise<void> {
    const { lease, grace } = this.#plan
    const late = setTimeout(() => this.#abandon(new DOMException('The worker ends.', 'AbortError')), grace)
    await Promise.all(this.#open)
    clearTimeout(late)
    clearTimeout(this.#quiet)
    await this.#flushing
    if (!lease.lost.aborted) this.#flush()
    await this.#flushing
  }
}

interface Begun {
  readonly event: StoredEvent
  readonly unreadable: UnreadableEvent | undefined
  readonly acknowledgement: Acknowledgement
  readonly stopping: AbortSignal
}

/** In another schema the ack would find another consumer of the same number, and move its checkpoint. */
async function checkSchema(scope: Scope, lease: Lease): Promise<void> {
  const [one, other] = await Promise.all([scope.target(), lease.scope.target()])
  if (one.schema === other.schema) return
  throw new InvalidArgumentError(
    'delivery',
    'ack: the transaction is of another store, or another tenant, than the delivery.',
  )
}
