import { checkStorable, InvalidArgumentError, InvalidStateError, type JsonObject } from '@rillflow/core'
import type { AppendResult } from '../append/append-result.js'
import type { ExpectedVersion } from '../append/expected-version.js'
import type { StoreAppendOptions } from '../append/prepare-append.js'
import type { NewEvent } from '../event.js'

/**
 * An append that is put together step by step. Each step adds to this very builder; when it was sent or staged it is
 * used up, and throws `InvalidState`: nothing is ever appended twice by a builder that was kept.
 */
export interface AppendBuilder<Event extends NewEvent> {
  /** What is expected of the stream; the last word counts. `any` unless told. */
  expected(expected: ExpectedVersion | undefined): this
  /** The category of the stream that this append begins; no effect on one that exists. */
  category(category: string | undefined): this
  /** Headers of all its events, merged over those given before, key by key. */
  headers(headers: JsonObject | undefined): this
  causationId(causationId: string | undefined): this
  correlationId(correlationId: string | undefined): this
  /** Makes a repetition by another builder harmless; see `idempotencyKey` of `append`. */
  idempotencyKey(idempotencyKey: string | undefined): this
  /** Adds events, behind those that were pushed before. */
  push(...events: readonly Event[]): this
}

/** A builder on the store or in a transaction. */
export interface SendableAppend<Event extends NewEvent> extends AppendBuilder<Event> {
  /**
   * Appends what was pushed: as `append` does, with its result and its errors.
   *
   * @throws InvalidState when it was sent before, whatever became of it. To try again, build it again.
   */
  send(): Promise<AppendResult>
}

/** A builder on the store itself. */
export interface AbortableAppend<Event extends NewEvent> extends SendableAppend<Event> {
  /** Withdraws the append as long as it has not left; afterwards its outcome is told all the same. */
  signal(signal: AbortSignal | undefined): this
}

/** A builder in a session. */
export interface StageableAppend<Event extends NewEvent> extends AppendBuilder<Event> {
  /**
   * Stages what was pushed: as `append` of the session does.
   *
   * @throws InvalidState when it was staged before. InvalidArgument as `append` does; then it is used up as well.
   */
  stage(): void
}

/** Where a builder's append goes. */
export type SubmitAppend<Event extends NewEvent, Result> = (
  streamId: string,
  events: readonly Event[],
  options: StoreAppendOptions,
) => Result

/** Begins an append to a stream that is sent, and on the store can be withdrawn. */
export function sendableAppend<Event extends NewEvent>(
  streamId: string,
  append: SubmitAppend<Event, Promise<AppendResult>>,
): AbortableAppend<Event> {
  return new Sendable(streamId, append)
}

/** Begins an append to a stream that is staged. */
export function stageableAppend<Event extends NewEvent>(
  streamId: string,
  append: SubmitAppend<Event, void>,
): StageableAppend<Event> {
  return new Stageable(streamId, append)
}

/** The steps that all builders have. */
class Steps<Event extends NewEvent, Result> implements AppendBuilder<Event> {
  readonly #streamId: string
  readonly #submit: SubmitAppend<Event, Result>
  #events: readonly Event[] = []
  #options: StoreAppendOptions = {}
  #used = false

  constructor(streamId: string, submit: SubmitAppend<Event, Result>) {
    this.#streamId = streamId
    this.#submit = submit
  }

  expected(expected: ExpectedVersion | undefined): this {
    return this.with({ expected })
  }

  category(category: string | undefined): this {
    return this.with({ category })
  }

  headers(headers: JsonObject | undefined): this {
    return this.with({ headers: mergeHeaders(this.#options.headers, headers) })
  }

  causationId(causationId: string | undefined): this {
    return this.with({ causationId })
  }

  correlationId(correlationId: string | undefined): this {
    return this.with({ correlationId })
  }

  idempotencyKey(idempotencyKey: string | undefined): this {
    return this.with({ idempotencyKey })
  }

  push(...events: readonly Event[]): this {
    this.#checkUnused()
    this.#events = [...this.#events, ...events]
    return this
  }

  protected with(options: StoreAppendOptions): this {
    this.#checkUnused()
    this.#options = { ...this.#options, ...options }
    return this
  }

  protected submit(): Result {
    this.#checkUnused()
    this.#used = true
    return this.#submit(this.#streamId, this.#events, this.#options)
  }

  #checkUnused(): void {
    if (!this.#used) return
    throw new InvalidStateError(
      `The append to stream ${JSON.stringify(this.#streamId)} that this builder made was sent or staged already. ` +
        'Begin another with stream(…).',
    )
  }
}

class Sendable<Event extends NewEvent> extends Steps<Event, Promise<AppendResult>> implements AbortableAppend<Event> {
  signal(signal: AbortSignal | undefined): this {
    return this.with({ signal })
  }

  // Async, so that a builder that is used up rejects as every other failure does.
  async send(): Promise<AppendResult> {
    return this.submit()
  }
}

class Stageable<Event extends NewEvent> extends Steps<Event, void> implements StageableAppend<Event> {
  stage(): void {
    this.submit()
  }
}

function mergeHeaders(before: JsonObject | undefined, more: JsonObject | undefined): JsonObject | undefined {
  if (before === undefined || more === undefined) return more ?? before
  // Spreading would make an object of whatever it is given.
  if (typeof more !== 'object' || Array.isArray(more)) {
    throw new InvalidArgumentError('headers', 'headers must be an object.')
  }
  checkStorable(more)
  return { ...before, ...more }
}
