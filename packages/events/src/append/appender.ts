import { ConnectionLostError, fromDriverError, InvalidStateError, type Connection } from '@rillflow/core'
import type { WakeUps } from '../head/wake-ups.js'
import { appendMany, appendOne, type AppendOutcome } from './append-events.js'
import { AppendQueue, type GroupCommitOptions } from './append-queue.js'
import { AbortedError } from '../errors.js'
import type { PreparedAppend } from './prepare-append.js'
import { settleUnknown } from './settle-unknown.js'

/** How the appends of a store, outside transactions, are sent. */
export interface AppenderOptions {
  /** False sends each append as a statement of its own. */
  readonly groupCommit: boolean | GroupCommitOptions
  /** How long to look for what became of an append whose connection was lost, in milliseconds. */
  readonly outcomeTimeout: number
}

/** Sends the appends of one store: those of a schema that come together leave together. */
export class Appender {
  readonly #connection: Connection
  readonly #options: AppenderOptions
  readonly #wakeUps: WakeUps
  readonly #queues = new Map<string, AppendQueue>()
  readonly #begun = new Set<Promise<unknown>>()
  #closed = false

  constructor(connection: Connection, wakeUps: WakeUps, options: AppenderOptions) {
    this.#connection = connection
    this.#wakeUps = wakeUps
    this.#options = options
  }

  /** Runs an append from its beginning, which may validate for long before anything is queued; closing waits for it. */
  async track<Result>(append: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new InvalidStateError('append: the store is closed.')
    const begun = append()
    this.#begun.add(begun)
    try {
      return await begun
    } finally {
      this.#begun.delete(begun)
    }
  }

  async append(schema: string, append: PreparedAppend, signal: AbortSignal | undefined): Promise<AppendOutcome> {
    if (this.#options.groupCommit !== false) return this.#queue(schema).submit(append, signal)
    if (signal?.aborted === true) throw new AbortedError(append.streamId, signal.reason)
    const [outcome] = await this.#send(schema, [append])
    return outcome as AppendOutcome
  }

  /** Takes no more, and waits for what has begun. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#begun)
  }

  #queue(schema: string): AppendQueue {
    let queue = this.#queues.get(schema)
    if (queue === undefined) {
      const { groupCommit } = this.#options
      const options = typeof groupCommit === 'object' ? groupCommit : {}
      queue = new AppendQueue((appends) => this.#send(schema, appends), options)
      this.#queues.set(schema, queue)
    }
    return queue
  }

  async #send(schema: string, appends: readonly PreparedAppend[]): Promise<readonly AppendOutcome[]> {
    const notify = this.#wakeUps.claim(schema)
    try {
      const [first] = appends
      const outcomes =
        appends.length === 1
          ? [await appendOne(this.#connection, schema, first as PreparedAppend, { notify, inTransaction: false })]
          : await appendMany(this.#connection, { schema, appends, notify, inTransaction: false })
      this.#wakeUps.committed(schema, notify)
      return outcomes
    } catch (error) {
      // The notification that it took over from earlier appends went down with it.
      if (notify) this.#wakeUps.committed(schema, false)
      if (!(error instanceof ConnectionLostError) || error.sent === undefined) throw error
      return this.#settle(schema, appends, error)
    }
  }

  async #settle(
    schema: string,
    appends: readonly PreparedAppend[],
    lost: ConnectionLostError,
  ): Promise<readonly AppendOutcome[]> {
    const budget = this.#options.outcomeTimeout
    const outcomes = await settleUnknown(this.#connection, { schema, appends, lost, budget })
    this.#wakeUps.committed(schema, false)
    const settled: AppendOutcome[] = []
    for (const [index, append] of appends.entries()) settled.push(outcomes[index] ?? (await this.#ask(schema, append)))
    return settled
  }

  /**
   * The committed batch has refused this append, so nothing of it was written: asking again tells why. What goes wrong
   * now is its own trouble; thrown, it would hide that others of the batch are stored.
   */
  async #ask(schema: string, append: PreparedAppend): Promise<AppendOutcome> {
    try {
      const [outcome] = await this.#send(schema, [append])
      return outcome as AppendOutcome
    } catch (error) {
      return fromDriverError(error, 'append')
    }
  }
}
