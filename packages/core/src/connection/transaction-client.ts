import { CommitOutcomeUnknownError, DatabaseError, TransactionAbortedError } from '../errors/database-errors.js'
import { fromDriverError, wasNeverSent } from '../errors/from-driver-error.js'
import { isRillflowError, type RillflowError } from '../errors/rillflow-error.js'
import { InvalidStateError } from '../errors/usage-errors.js'
import type { Statement } from '../sql/statement.js'
import type { ClientLike, QueryResultLike } from './pool-like.js'
import { queryOn, type Rows } from './query.js'

/** The statements that open, keep and drop a transaction, or a savepoint inside somebody else's. */
interface Bounds {
  readonly begin: string
  readonly commit: string
  /** One statement at a time: an adapter may prepare them, and a prepared text holds one. */
  readonly rollback: readonly string[]
}

export const ownTransaction: Bounds = { begin: 'begin', commit: 'commit', rollback: ['rollback'] }

/** A name of our own, so that it hides no savepoint of the caller's for longer than the call. */
export const callersTransaction: Bounds = {
  begin: 'savepoint rillflow',
  commit: 'release savepoint rillflow',
  rollback: ['rollback to savepoint rillflow', 'release savepoint rillflow'],
}

/** One client inside one transaction, from its begin to its end. */
export class TransactionClient {
  readonly #client: ClientLike
  readonly #prepare: boolean
  readonly #bounds: Bounds
  readonly #inFlight = new Set<Promise<unknown>>()
  #last: Promise<unknown> = Promise.resolve()
  #failed: unknown
  #open = false

  constructor(client: ClientLike, prepare: boolean, bounds: Bounds) {
    this.#client = client
    this.#prepare = prepare
    this.#bounds = bounds
  }

  /**
   * Begins, and waits for the answer even where statements may be sent ahead: after a BEGIN that failed, those behind it
   * would each commit on their own.
   */
  async begin(): Promise<void> {
    try {
      await this.#client.query({ text: this.#bounds.begin })
      this.#open = true
    } catch (error) {
      const mapped = fromDriverError(error, 'begin')
      // 25P01: a savepoint outside a transaction. Each statement would commit on its own and nothing could be undone.
      if (mapped instanceof DatabaseError && mapped.sqlState === '25P01') {
        throw new InvalidStateError(
          'The client given is not inside a transaction: begin one on it first, or leave `client` out and let the store begin its own.',
        )
      }
      throw mapped
    }
  }

  /** Runs one statement; its rows are arrays. */
  async query<Row extends readonly unknown[]>(statement: Statement): Promise<Rows<Row>> {
    return this.#run(statement.operation, () => queryOn<Row>(this.#client, statement, this.#prepare))
  }

  /** Runs SQL of the caller's own; rows are objects, as the driver makes them. */
  async queryObjects(operation: string, text: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    return this.#run(operation, async () => {
      try {
        return rowsOf(await this.#client.query({ text, values: [...values] }))
      } catch (error) {
        throw fromDriverError(error, operation)
      }
    })
  }

  /** Runs `send` as part of the transaction: refused after its end, waited for before its commit. */
  async #run<Result>(operation: string, send: () => Promise<Result>): Promise<Result> {
    if (!this.#open) {
      throw new InvalidStateError(
        `${operation}: the transaction is over. Await every call inside the callback, and do not keep its argument.`,
      )
    }
    const sent = this.#inTurn(send)
    this.#last = sent
    this.#inFlight.add(sent)
    try {
      return await sent
    } catch (error) {
      this.#failed ??= error
      throw error
    } finally {
      this.#inFlight.delete(sent)
    }
  }

  /** node-postgres queues by itself what comes too early, but warns of it and will stop doing so. */
  #inTurn<Result>(send: () => Promise<Result>): Promise<Result> {
    if (this.#client.pipeline === true || this.#inFlight.size === 0) return send()
    return this.#last.then(send, send)
  }

  /**
   * Ends the callback's part: waits for what it sent and takes nothing more.
   *
   * @throws {@link TransactionAbortedError} when a statement failed, its error was caught, and nothing undid it.
   */
  async seal(): Promise<void> {
    await this.#settle()
    if (this.#failed === undefined) return
    try {
      // Only the server knows whether a savepoint has made good for the failure.
      await this.#client.query({ text: 'select 1' })
    } catch {
      throw aborted(this.#failed)
    }
  }

  /** Commits; after {@link seal}. */
  async commit(): Promise<void> {
    let command: string | null | undefined
    try {
      command = (await this.#client.query({ text: this.#bounds.commit })).command
    } catch (error) {
      const mapped = fromDriverError(error, 'commit')
      throw this.#bounds === ownTransaction && mayHaveCommitted(error, mapped) ? outcomeUnknown(error) : mapped
    }
    // The server answers COMMIT of a failed transaction with ROLLBACK and no error.
    if (command === 'ROLLBACK') throw aborted(this.#failed)
  }

  /** Gives everything up; returns false when the connection cannot be used again. */
  async rollback(): Promise<boolean> {
    await this.#settle()
    try {
      for (const text of this.#bounds.rollback) await this.#client.query({ text })
      return true
    } catch {
      return false
    }
  }

  async #settle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight)
    this.#open = false
  }
}

/** Without values, a text may hold several statements: the driver gives a result of each, and the last one counts. */
function rowsOf(result: QueryResultLike | readonly QueryResultLike[]): readonly unknown[] {
  const last = 'rows' in result ? result : result.at(-1)
  return last?.rows ?? []
}

/** The server did not answer, and the driver did not say that it never asked. */
function mayHaveCommitted(error: unknown, mapped: RillflowError): boolean {
  if (mapped.code !== 'ConnectionLost' && mapped.code !== 'DriverError') return false
  return !wasNeverSent(error)
}

function aborted(cause: unknown): TransactionAbortedError {
  return new TransactionAbortedError(
    'A statement of this transaction failed and its error was caught, so nothing was committed. ' +
      'Let the error leave the callback, or use a savepoint around what may fail.',
    cause,
  )
}

function outcomeUnknown(cause: unknown): CommitOutcomeUnknownError {
  return new CommitOutcomeUnknownError(
    'The connection was lost while COMMIT was under way: everything is stored, or nothing. ' +
      'Look for what you wrote before you write it again.',
    cause,
  )
}

/** Tells whether the error left the connection in a state that nobody can know. */
export function isConnectionGone(error: unknown): boolean {
  return ['ConnectionLost', 'CommitOutcomeUnknown', 'DriverError'].some((code) => isRillflowError(error, code))
}
