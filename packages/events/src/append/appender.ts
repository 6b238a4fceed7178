import {
  ConnectionLostError,
  fromDriverError,
  InvalidStateError,
  isRillflowError,
  type Connection,
  type Scope,
} from '@rillflow/core'
import type { WakeUps } from '../head/wake-ups.js'
import { appendMany, appendOne, type AppendOutcome } from './append-events.js'
import type { AppendHooks } from './append-hooks.js'
import { AppendQueue, isUndoneStatement, type GroupCommitOptions } from './append-queue.js'
import { appendReading } from './append-reading.js'
import { AbortedError } from '../errors.js'
import type { PreparedAppend } from './prepare-append.js'
import { settleUnknown } from './settle-unknown.js'

/** How the appends of a store, outside transactions, are sent. */
export interface AppenderOptions {
  /** False sends each append as a statement of its own. */
  readonly groupCommit: boolean | GroupCommitOptions
  /** How long to look for what became of an append whose connection was lost, in milliseconds. */
  readonly outcomeTimeout: number
  readonly hooks: AppendHooks
}

/** Where the appends of a schema are sent to. */
interface Destination {
  readonly schema: string
  /** Of whichever caller came first: what hooks do needs a transaction of the store. */
  readonly scope: Scope
}

/** Sends the appends of one store: those of a schema that come together leave together. */
export class Appender {
  readonly #connection: Connection
  readonly #options: AppenderOptions
  readonly #wakeUps: WakeUps
  readonly #queues = new Map<string, AppendQueue>()
  readonly #begun = new Set<Promise<unknown>>()
  /** Errors of transactions that were undone as a whole. */
  readonly #undone = new WeakSet<object>()
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

  async append(to: Destination, append: PreparedAppend, signal: AbortSignal | undefined): Promise<AppendOutcome> {
    if (this.#options.groupCommit !== false) return this.#queue(to).submit(append, signal)
    if (signal?.aborted === true) throw new AbortedError(append.streamId, signal.reason)
    const [outcome] = await this.#send(to, [append])
    return outcome as AppendOutcome
  }

  /** Takes no more, and waits for what has begun. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#begun)
  }

  #queue(to: Destination): AppendQueue {
    let queue = this.#queues.get(to.schema)
    if (queue === undefined) {
      const { groupCommit } = this.#options
      const options = typeof groupCommit === 'object' ? groupCommit : {}
      const isUndone = (error: unknown): boolean => this.#undone.has(error as object) || isUndoneStatement(error)
      queue = new AppendQueue((appends) => this.#send(to, appends), options, isUndone)
      this.#queues.set(to.schema, queue)
    }
    return queue
  }

  async #send(to: Destination, appends: readonly PreparedAppend[]): Promise<readonly AppendOutcome[]> {
    const { schema } = to
    const notify = this.#wakeUps.claim(schema)
    try {
      const outcomes = this.#options.hooks.wantsAny(appends)
        ? await this.#sendWithHooks(to, appends, notify)
        : await this.#sendAlone(schema, appends, notify)
      this.#wakeUps.committed(schema, notify)
      return outcomes
    } catch (error) {
      // The notification that it took over from earlier appends went down with it.
      if (notify) this.#wakeUps.committed(schema, false)
      if (!(error instanceof ConnectionLostError) || error.sent === undefined) throw error
      return this.#settle(to, appends, error)
    }
  }

  /** One statement, which is the transaction. */
  async #sendAlone(
    schema: string,
    appends: readonly PreparedAppend[],
    notify: boolean,
  ): Promise<readonly AppendOutcome[]> {
    const [first] = appends
    return appends.length === 1
      ? [await appendOne(this.#connection, schema, first as PreparedAppend, { notify, inTransaction: false })]
      : appendMany(this.#connection, { schema, appends, notify, inTransaction: false })
  }

  /** One transaction of the appends and of what the hooks make of them. */
  async #sendWithHooks(
    { schema, scope }: Destination,
    appends: readonly PreparedAppend[],
    notify: boolean,
  ): Promise<readonly AppendOutcome[]> {
    const { hooks } = this.#options
    let backendPid: number | undefined
    try {
      return await scope.transaction(async (inside) => {
        const read = await appendReading(inside, { schema, appends, notify, inTransaction: false }, hooks)
        backendPid = read.backendPid
        await hooks.run(inside, read)
        return read.outcomes
      })
    } catch (error) {
      throw this.#undoneOrLost(error, backendPid)
    }
  }

  /** What is to be said of a transaction that failed: it is undone, unless the connection was lost at its COMMIT. */
  #undoneOrLost(error: unknown, backendPid: number | undefined): unknown {
    if (isRillflowError(error, 'CommitOutcomeUnknown')) {
      return new ConnectionLostError('append: the connection was lost at the COMMIT.', error.cause, { backendPid })
    }
    if (isRillflowError(error, 'ConnectionLost')) {
      // Before the COMMIT was sent: nothing is stored, and nothing will be.
      return new ConnectionLostError(
        'append: the connection to PostgreSQL was lost. Nothing of this append was stored, so it may simply be made again.',
        error.cause,
      )
    }
    if (typeof error === 'object' && error !== null && !isRillflowError(error, 'PoolTimeout')) this.#undone.add(error)
    return error
  }

  async #settle(
    to: Destination,
    appends: readonly PreparedAppend[],
    lost: ConnectionLostError,
  ): Promise<readonly AppendOutcome[]> {
    const { schema } = to
    const budget = this.#options.outcomeTimeout
    const outcomes = await settleUnknown(this.#connection, { schema, appends, lost, budget })
    this.#wakeUps.committed(schema, false)
    const settled: AppendOutcome[] = []
    for (const [index, append] of appends.entries()) settled.push(outcomes[index] ?? (await this.#ask(to, append)))
    return settled
  }

  /**
   * The committed batch has refused this append, so nothing of it was written: asking again tells why. What goes wrong
   * now is its own trouble; thrown, it would hide that others of the batch are stored.
   */
  async #ask(to: Destination, append: PreparedAppend): Promise<AppendOutcome> {
    try {
      const [outcome] = await this.#send(to, [append])
      return outcome as AppendOutcome
    } catch (error) {
      return fromDriverError(error, 'append')
    }
  }
}
