import pg from 'pg'
import { fromDriverError } from '../errors/from-driver-error.js'
import { InvalidConfigError, InvalidStateError } from '../errors/usage-errors.js'
import type { Logger } from '../observability/logger.js'
import type { Statement } from '../sql/statement.js'
import type { ClientConnection, ConnectionOptions, PoolConnection, UrlConnection } from './connection-options.js'
import { dedicatedFrom, type DedicatedClient, type DedicatedPurpose, type MakeDedicated } from './dedicated-client.js'
import type { ClientLike, PoolClientLike, PoolLike } from './pool-like.js'
import { poolOfOne } from './pool-of-one.js'
import { queryOn, type Rows } from './query.js'
import { checkRetry, withRetry, type RetryOptions } from './retry.js'
import { callersTransaction, isConnectionGone, ownTransaction, TransactionClient } from './transaction-client.js'

/** A store's way to PostgreSQL: single statements, transactions, and nothing left dirty by either. */
export class Connection {
  readonly #pool: PoolLike
  readonly #ownsPool: boolean
  readonly #retry: RetryOptions
  readonly #onIdleError: (error: Error) => void
  readonly #running = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined
  /** False sends every statement unprepared. */
  readonly prepare: boolean
  readonly #makeDedicated: MakeDedicated | undefined

  constructor(options: ConnectionOptions | undefined, logger: Logger, retry: RetryOptions = {}) {
    const given = normalize(options)
    this.#makeDedicated = dedicatedFrom(given)
    this.#pool = 'url' in given ? makePool(given) : 'pool' in given ? given.pool : poolOfOne(given.client)
    this.#ownsPool = 'url' in given
    this.prepare = given.prepare ?? true
    checkRetry(retry)
    this.#retry = retry
    // An idle connection that breaks emits 'error' on its pool; without a listener that ends the process.
    this.#onIdleError = (error) => logger.warn({ err: error }, 'an idle connection was lost')
    this.#pool.on?.('error', this.#onIdleError)
  }

  /** Runs one statement in a transaction of its own, again after a deadlock or a serialization failure. */
  async query<Row extends readonly unknown[]>(statement: Statement): Promise<Rows<Row>> {
    const { operation } = statement
    const attempt = () => this.#lend(operation, (client) => queryOn<Row>(client, statement, this.prepare))
    return this.#track(operation, () => withRetry(attempt, this.#retry))
  }

  /** Runs `work` in a transaction, again after a deadlock or a serialization failure. */
  async transaction<Result>(work: (client: TransactionClient) => Promise<Result>): Promise<Result> {
    const attempt = () =>
      this.#lend('begin', (client) => runTransaction(new TransactionClient(client, this.prepare, ownTransaction), work))
    return this.#track('begin', () => withRetry(attempt, this.#retry))
  }

  /** Runs `work` between savepoints of the transaction that the caller's client is in; begins and commits nothing. */
  async join<Result>(client: ClientLike, work: (client: TransactionClient) => Promise<Result>): Promise<Result> {
    return this.#track('begin', () => this.#joined(client, work))
  }

  async #joined<Result>(client: ClientLike, work: (client: TransactionClient) => Promise<Result>): Promise<Result> {
    // A caller that took the client from its pool may have none, and a socket that breaks now would end the process.
    client.on?.('error', ignore)
    try {
      return await runTransaction(new TransactionClient(client, this.prepare, callersTransaction), work)
    } catch (error) {
      throw error instanceof DirtyConnection ? error.reason : error
    } finally {
      client.removeListener?.('error', ignore)
    }
  }

  /** Lends one connection to `work`; it goes back to the pool, or is ended when nobody can know its state. */
  async withClient<Result>(operation: string, work: (client: ClientLike) => Promise<Result>): Promise<Result> {
    return this.#track(operation, () =>
      this.#lend(operation, (client) => (this.#ownsPool ? unpipelined(client, work) : work(client))),
    )
  }

  async #lend<Result>(operation: string, work: (client: ClientLike) => Promise<Result>): Promise<Result> {
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

  /**
   * Whether one of the server's processes has ended, and with it whatever it was doing. False when nobody can know: behind
   * a pooler the numbers are the pooler's own, and say nothing about the server's processes.
   */
  async hasEnded(backendPid: number | undefined): Promise<boolean> {
    if (backendPid === undefined) return false
    const operation = 'lost_backend'
    const text = `/* rillflow:${operation} */ select pg_backend_pid() as own, exists (select from pg_stat_activity where pid = $1::int) as alive`
    const statement = { operation, text, values: [backendPid] }
    return this.#track(operation, () =>
      this.#lend(operation, async (client) => {
        const [row] = (await queryOn<readonly [own: number, alive: boolean]>(client, statement, false)).rows
        return row !== undefined && row[0] === client.processID && !row[1]
      }),
    )
  }

  /** Whether {@link dedicate} can make a connection: true for a URL and for a `pg.Pool`. */
  get canDedicate(): boolean {
    return this.#makeDedicated !== undefined
  }

  /** Opens a connection outside the pool; its owner listens for its errors and ends it. */
  async dedicate(purpose: DedicatedPurpose = 'listen'): Promise<DedicatedClient> {
    if (this.#closed !== undefined) throw new InvalidStateError('connect: the store is closed.')
    if (this.#makeDedicated === undefined)
      throw new InvalidStateError('connect: this store was given no URL and no pg.Pool.')
    const client = this.#makeDedicated(purpose)
    client.on('error', ignore)
    try {
      await client.connect()
      return client
    } catch (error) {
      throw fromDriverError(error, 'connect')
    }
  }

  /** Lends a connection outside the pool to `work`, and ends it; where {@link canDedicate} is false, one of the pool. */
  async withDedicated<Result>(
    purpose: DedicatedPurpose,
    work: (client: ClientLike) => Promise<Result>,
  ): Promise<Result> {
    if (!this.canDedicate) return this.withClient(purpose, work)
    return this.#track(purpose, async () => {
      const client = await this.dedicate(purpose)
      let result: Result
      try {
        result = await work(client)
      } catch (error) {
        // Not waited for: one that is half open never ends.
        client.end().catch(ignore)
        throw error
      }
      await client.end()
      return result
    })
  }

  /** Ends the pool if the store made it; calls that are under way are waited for, so none of them may await this. */
  async close(): Promise<void> {
    this.#closed ??= (async () => {
      // pg-pool never serves a call that still waits for a connection when it is ended.
      while (this.#running.size > 0) await Promise.allSettled(this.#running)
      this.#pool.removeListener?.('error', this.#onIdleError)
      if (!this.#ownsPool) return
      // Listen on: connections that end while the pool drains still report it.
      this.#pool.on?.('error', ignore)
      await this.#pool.end?.()
    })()
    return this.#closed
  }

  /** Runs a call from its first attempt to its last, so that a store that closes meanwhile waits for it. */
  async #track<Result>(operation: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw new InvalidStateError(`${operation}: the store is closed.`)
    const running = call()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #connect(operation: string): Promise<PoolClientLike> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw fromDriverError(error, operation)
    }
  }
}

/**
 * Lends a client of our own pool as one that takes a COPY, which pg refuses while it pipelines. The mode is looked at
 * when a query is made, and here none is under way.
 */
async function unpipelined<Result>(client: ClientLike, work: (client: ClientLike) => Promise<Result>): Promise<Result> {
  const own = client as { pipeline?: boolean }
  own.pipeline = false
  try {
    return await work(client)
  } finally {
    own.pipeline = true
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
    await client.seal()
  } catch (error) {
    if (!(await client.rollback())) throw new DirtyConnection(error)
    throw error
  }
  await client.commit()
  return result
}

function normalize(options: ConnectionOptions | undefined): Exclude<ConnectionOptions, string> {
  const given = typeof options === 'string' ? { url: options } : options
  if (given === undefined || !isComplete(given)) {
    throw new InvalidConfigError(
      'createStore needs a connection: a URL (is DATABASE_URL set?), { url }, { pool } or { client }.',
    )
  }
  return given
}

/** An empty URL would make the driver connect to wherever its own defaults point. */
function isComplete(given: Partial<UrlConnection & PoolConnection & ClientConnection>): boolean {
  if ('url' in given) return typeof given.url === 'string' && given.url !== ''
  if ('pool' in given) return typeof given.pool?.connect === 'function'
  return typeof given.client?.query === 'function'
}

function makePool(options: UrlConnection): PoolLike {
  // The types of pg do not know the last option yet.
  const config: pg.PoolConfig & { readonly pipeline: boolean } = {
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeout ?? 10_000,
    idleTimeoutMillis: options.idleTimeout ?? 10_000,
    application_name: options.applicationName ?? 'rillflow',
    // The statements of a session leave together.
    pipeline: true,
  }
  const pool = new pg.Pool(config)
  // One that the server ends in the breath in which it is made breaks before it can be lent.
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

function ignore(): void {
  // The call that uses the connection gets the error itself.
}
