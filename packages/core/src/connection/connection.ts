import pg from 'pg'
import { fromDriverError } from '../errors/from-driver-error.js'
import { InvalidConfigError, InvalidStateError } from '../errors/usage-errors.js'
import type { Logger } from '../observability/logger.js'
import type { Statement } from '../sql/statement.js'
import type { ConnectionOptions, UrlConnection } from './connection-options.js'
import type { ClientLike, PoolClientLike, PoolLike } from './pool-like.js'
import { poolOfOne } from './pool-of-one.js'
import { queryOn, type Rows } from './query.js'
import { withRetry, type RetryOptions } from './retry.js'
import { callersTransaction, isConnectionGone, ownTransaction, TransactionClient } from './transaction-client.js'

/** A store's way to PostgreSQL: single statements, transactions, and nothing left dirty by either. */
export class Connection {
  readonly #pool: PoolLike
  readonly #ownsPool: boolean
  readonly #retry: RetryOptions
  readonly #onIdleError: (error: Error) => void
  #closed: Promise<void> | undefined
  /** False sends every statement unprepared. */
  readonly prepare: boolean
  /** The URL, when the store was given one: a package that needs a connection of its own, to LISTEN, uses it. */
  readonly url: string | undefined

  constructor(options: ConnectionOptions | undefined, logger: Logger, retry: RetryOptions = {}) {
    const given = normalize(options)
    this.url = 'url' in given ? given.url : undefined
    this.#pool = 'url' in given ? makePool(given) : 'pool' in given ? given.pool : poolOfOne(given.client)
    this.#ownsPool = 'url' in given
    this.prepare = given.prepare ?? true
    this.#retry = retry
    // An idle connection that breaks emits 'error' on its pool; without a listener that ends the process.
    this.#onIdleError = (error) => logger.warn({ err: error }, 'an idle connection was lost')
    this.#pool.on?.('error', this.#onIdleError)
  }

  /** Runs one statement in a transaction of its own, again after a deadlock or a serialization failure. */
  async query<Row extends readonly unknown[]>(statement: Statement): Promise<Rows<Row>> {
    return withRetry(
      () => this.withClient(statement.operation, (client) => queryOn<Row>(client, statement, this.prepare)),
      this.#retry,
    )
  }

  /** Runs `work` in a transaction, again after a deadlock or a serialization failure. */
  async transaction<Result>(work: (client: TransactionClient) => Promise<Result>): Promise<Result> {
    return withRetry(
      () =>
        this.withClient('begin', (client) =>
          runTransaction(new TransactionClient(client, this.prepare, ownTransaction), work),
        ),
      this.#retry,
    )
  }

  /** Runs `work` between savepoints of the transaction that the caller's client is in; begins and commits nothing. */
  async join<Result>(client: ClientLike, work: (client: TransactionClient) => Promise<Result>): Promise<Result> {
    try {
      return await runTransaction(new TransactionClient(client, this.prepare, callersTransaction), work)
    } catch (error) {
      throw error instanceof DirtyConnection ? error.reason : error
    }
  }

  /** Lends one connection to `work`; it goes back to the pool, or is ended when nobody can know its state. */
  async withClient<Result>(operation: string, work: (client: ClientLike) => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw closedError(operation)
    const client = await this.#connect(operation)
    // pg-pool takes its own listener off while a client is lent; a socket that breaks then would end the process.
    client.on?.('error', ignore)
    let broken: unknown
    try {
      return await work(client)
    } catch (error) {
      if (isConnectionGone(error) || error instanceof DirtyConnection) broken = error
      throw error instanceof DirtyConnection ? error.reason : error
    } finally {
      client.removeListener?.('error', ignore)
      client.release(broken === undefined ? undefined : true)
    }
  }

  /** Ends the pool if the store made it; calls that are under way are waited for. */
  async close(): Promise<void> {
    this.#closed ??= (async () => {
      this.#pool.removeListener?.('error', this.#onIdleError)
      if (!this.#ownsPool) return
      // Listen on: connections that end while the pool drains still report it.
      this.#pool.on?.('error', ignore)
      await this.#pool.end?.()
    })()
    return this.#closed
  }

  async #connect(operation: string): Promise<PoolClientLike> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw fromDriverError(error, operation)
    }
  }
}

/** Carries an error out of a transaction whose ROLLBACK failed, so that its connection is ended. */
class DirtyConnection extends Error {
  readonly reason: unknown
  constructor(reason: unknown) {
    super('the connection could not be cleaned')
    this.reason = reason
  }
}

async function runTransaction<Result>(
  client: TransactionClient,
  work: (client: TransactionClient) => Promise<Result>,
): Promise<Result> {
  await client.begin()
  let result: Result
  try {
    result = await work(client)
  } catch (error) {
    if (!(await client.rollback())) throw new DirtyConnection(error)
    throw error
  }
  await client.commit()
  return result
}

function normalize(options: ConnectionOptions | undefined): Exclude<ConnectionOptions, string> {
  if (options === undefined || options === '') {
    throw new InvalidConfigError(
      'createStore needs a connection: a URL (is DATABASE_URL set?), { url }, { pool } or { client }.',
    )
  }
  return typeof options === 'string' ? { url: options } : options
}

function makePool(options: UrlConnection): PoolLike {
  return new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeout ?? 10_000,
    idleTimeoutMillis: options.idleTimeout ?? 10_000,
    application_name: options.applicationName ?? 'rillflow',
  })
}

function closedError(operation: string): Error {
  return new InvalidStateError(`${operation}: the store is closed.`)
}

function ignore(): void {
  // The call that uses the connection gets the error itself.
}
