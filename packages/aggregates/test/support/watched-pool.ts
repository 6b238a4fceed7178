import type { PoolClientLike, PoolLike, QueryConfigLike, QueryResultLike } from '@rillflow/core'
import { barrier, type Barrier } from './barrier.js'

/** An answer of the database that is on its way, and does not arrive before it is let go. */
export interface HeldAnswer {
  /** The statement was sent, and the database has done it. */
  readonly arrived: Promise<void>
  readonly letGo: () => void
}

interface Hold {
  readonly pattern: RegExp
  readonly arrived: Barrier
  readonly gate: Barrier
}

/** A real pool that remembers what was sent by it, and can withhold the answer to a statement. */
export class WatchedPool implements PoolLike {
  readonly #pool: PoolLike
  readonly #holds: Hold[] = []
  #sent: QueryConfigLike[] = []

  constructor(pool: PoolLike) {
    this.#pool = pool
  }

  /** What was sent since this was last asked for. */
  take(): readonly QueryConfigLike[] {
    const sent = this.#sent
    this.#sent = []
    return sent
  }

  /** The operations that were sent since this was last asked for: `begin`, `append_one`, `load_aggregate` … */
  operations(): readonly string[] {
    return this.take().map(({ text }) => /^\/\* rillflow:(\w+)/.exec(text)?.[1] ?? text)
  }

  /** Withholds the answer to the next statement that the pattern fits. */
  hold(pattern: RegExp): HeldAnswer {
    const held = { pattern, arrived: barrier(), gate: barrier() }
    this.#holds.push(held)
    return { arrived: held.arrived.opened, letGo: held.gate.open }
  }

  async connect(): Promise<PoolClientLike> {
    const client = await this.#pool.connect()
    // All else is the client's own, so that it is taken for what it is.
    return Object.assign(Object.create(client) as PoolClientLike, {
      query: (config: QueryConfigLike) => this.#query(client, config),
      release: (destroy?: Error | boolean) => client.release(destroy),
      on: client.on?.bind(client),
      removeListener: client.removeListener?.bind(client),
    })
  }

  async #query(client: PoolClientLike, config: QueryConfigLike): Promise<QueryResultLike> {
    this.#sent.push(config)
    const place = this.#holds.findIndex(({ pattern }) => pattern.test(config.text))
    const [held] = place === -1 ? [] : this.#holds.splice(place, 1)
    const result = await client.query(config)
    held?.arrived.open()
    await held?.gate.opened
    return result
  }
}
