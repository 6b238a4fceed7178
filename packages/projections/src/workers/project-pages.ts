import { setTimeout as sleep } from 'node:timers/promises'
import { before, type Logger } from '@rillflow/core'
import type { FeedPage, StoredEvent, UnreadableEvent } from '@rillflow/events'
import {
  advanceCheckpoint,
  ConsumerStoppedError,
  failLetterAgain,
  pauseAfter,
  putBackLetters,
  recordFailure,
  settleLetter,
  skipPast,
  stopConsumer,
  writeLetters,
  type FailurePolicy,
  type Lease,
  type Letter,
  type PageSource,
  type RequeuedLetter,
  type ResolvedRetry,
} from '@rillflow/subscriptions'
import type { ProjectionRunner } from '../apply/projection-runner.js'
import type { WriteTarget } from '../targets/fold-target.js'
import { applyWithin, isNoEvents } from './apply-within.js'

/** How a projection is brought on under one lease. */
export interface ProjectingPlan {
  readonly lease: Lease
  readonly source: PageSource
  readonly ensureLease: () => Promise<void>
  readonly logger: Logger
  readonly runner: ProjectionRunner
  readonly target: WriteTarget
  readonly retry: ResolvedRetry
  readonly onFailure: FailurePolicy
  /** How long one transaction may take, in milliseconds. */
  readonly timeout: number
  /** The most events of one transaction. */
  readonly batchSize: number
}

/** A checkpoint that only passes what is not selected is told at most this often, in milliseconds. */
const quietPause = 250

/** A transaction holds what it has written: batches are cut so that one takes about this long, in milliseconds. */
const longBatch = 1_000

/**
 * Applies the feed to a projection, batch by batch, each in one transaction with its checkpoint: what is written is stored
 * exactly once, whoever else believes to hold the lease.
 */
export class ProjectPages {
  readonly #plan: ProjectingPlan
  readonly #parked = new Set<string>()
  #coming: Promise<FeedPage> | undefined
  #size: number
  #told = 0

  constructor(plan: ProjectingPlan) {
    this.#plan = plan
    this.#size = plan.batchSize
  }

  /** Begins with what an operator has put back, before anything that is new. */
  async putBack(stopping: AbortSignal): Promise<void> {
    const tryAgain = (letter: RequeuedLetter): Promise<boolean> => this.#putLetterBack(letter)
    const { parked } = await putBackLetters(this.#plan.lease, stopping, tryAgain)
    for (const streamId of parked) this.#parked.add(streamId)
  }

  /** Waits for the next page, for so many milliseconds if told, and applies it. Rejects when `stopping` is aborted. */
  async page(stopping: AbortSignal, patience: number | undefined): Promise<void> {
    const { source, lease } = this.#plan
    this.#coming ??= source.next(stopping)
    const page = await (patience === undefined ? this.#coming : before(performance.now() + patience, this.#coming))
    if (page === undefined) return
    // Fetched while this one is applied; its error is looked at when its turn comes.
    this.#coming = source.next(stopping)
    this.#coming.catch(() => undefined)
    let from = 0
    while (from < page.events.length) {
      const batch = page.events.slice(from, from + this.#size)
      from += batch.length
      const last = (batch.at(-1) as StoredEvent).position
      // The last batch of a page takes the checkpoint to where the page ends.
      const through = from < page.events.length || page.unreadable !== undefined ? last : page.through
      await this.#batch(batch, through, stopping)
    }
    if (page.unreadable !== undefined) await this.#one(page.unreadable.event, page.unreadable, stopping)
    else if (page.through > lease.position) await this.#pass(page.through, source.head)
  }

  /** Applies events together, or one by one when that fails. */
  async #batch(events: readonly StoredEvent[], through: number, stopping: AbortSignal): Promise<void> {
    stopping.throwIfAborted()
    const { lease } = this.#plan
    const began = performance.now()
    // One alone is tried alone, so that no attempt goes uncounted.
    const isKnownToFail = events.some(({ position }) => position === lease.failing?.position)
    if (isKnownToFail || events.length === 1 || !(await this.#together(events, through))) {
      for (const event of events) await this.#one(event, undefined, stopping)
      await this.#pass(through, through)
    }
    this.#resize(performance.now() - began)
  }

  /** False when an event is to blame for its failure. */
  async #together(events: readonly StoredEvent[], through: number): Promise<boolean> {
    const flowing = events.filter(({ streamId }) => !this.#parked.has(streamId))
    const waiting = events.filter(({ streamId }) => this.#parked.has(streamId))
    try {
      await this.#commit(flowing, waiting.map(behind), through)
      return true
    } catch (error) {
      if (isNoEvents(error)) throw error
      this.#plan.logger.debug({ err: error }, 'a batch failed; its events are projected one by one')
      return false
    }
  }

  /** One event, until it is projected or put aside. */
  async #one(event: StoredEvent, unreadable: UnreadableEvent | undefined, stopping: AbortSignal): Promise<void> {
    const { lease, retry } = this.#plan
    if (event.position <= lease.position) return
    if (this.#parked.has(event.streamId)) return this.#putAside(behind(event))
    const known = lease.failing?.position === event.position ? lease.failing : undefined
    let attempts = known?.attempts ?? 0
    let wait = known?.wait ?? 0
    for (;;) {
      if (wait > 0) await sleep(wait, undefined, { signal: stopping })
      stopping.throwIfAborted()
      await this.#plan.ensureLease()
      try {
        const readable = unreadable === undefined ? event : await this.#readAgain(event.position)
        return await this.#commit(readable === undefined ? [] : [readable], [], event.position)
      } catch (error) {
        if (isNoEvents(error)) throw error
        attempts += 1
        if (attempts >= retry.attempts) return await this.#giveUp(event, attempts, error)
        wait = pauseAfter(retry, attempts)
        this.#plan.logger.warn({ err: error, position: event.position, attempts }, 'an event failed; it is tried again')
        await recordFailure(lease, { position: event.position, attempts, wait, error })
      }
    }
  }

  /** What cannot be read now may be readable with the next attempt; undefined for what a policy leaves out. */
  async #readAgain(position: number): Promise<StoredEvent | undefined> {
    const { events, unreadable } = await this.#plan.source.again(position)
    if (unreadable !== undefined) throw unreadable.error
    return events[0]
  }

  /** Applies events, puts others aside and moves the checkpoint, in one transaction. */
  async #commit(events: readonly StoredEvent[], letters: readonly Letter[], through: number): Promise<void> {
    const { lease } = this.#plan
    await lease.scope.transaction(async (scope) => {
      await applyWithin(scope, this.#plan, events)
      // Last, since they lock the consumer's row, which heartbeats need.
      await Promise.all([writeLetters(scope, lease, letters), advanceCheckpoint(scope, lease, through)])
    })
    this.#moved(through)
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
    if (onFailure === 'park') this.#parked.add(event.streamId)
  }

  async #putAside(letter: Letter): Promise<void> {
    await skipPast(this.#plan.lease, [letter], letter.event.position)
    this.#moved(letter.event.position)
  }

  /** Moves the checkpoint past what is not selected; not each time, for nothing but a new reader would use it. */
  async #pass(through: number, head: number): Promise<void> {
    const { lease } = this.#plan
    if (through <= lease.position) return
    const wait = this.#told + quietPause - performance.now()
    // At the head nothing comes behind for now, and whoever waits for the projection waits for this.
    if (wait > 0 && through < head) return
    await this.#commit([], [], through)
  }

  #moved(position: number): void {
    this.#plan.lease.position = position
    this.#told = performance.now()
  }

  #resize(elapsed: number): void {
    if (elapsed > longBatch) this.#size = Math.max(1, Math.floor(this.#size / 2))
    else if (elapsed < longBatch / 4) this.#size = Math.min(this.#plan.batchSize, this.#size * 2)
  }

  /** False when it failed again. */
  async #putLetterBack(letter: RequeuedLetter): Promise<boolean> {
    const { lease } = this.#plan
    await this.#plan.ensureLease()
    try {
      const event = await this.#readAgain(letter.position)
      await lease.scope.transaction(async (scope) => {
        await applyWithin(scope, this.#plan, event === undefined ? [] : [event])
        await settleLetter(scope, lease, letter.id)
      })
      return true
    } catch (error) {
      if (isNoEvents(error)) throw error
      await failLetterAgain(lease, letter, error)
      return false
    }
  }
}

function behind(event: StoredEvent): Letter {
  return { event, parks: true, failure: undefined }
}
