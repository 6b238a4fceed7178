import type { PoolClientLike, PoolLike, QueryConfigLike, QueryResultLike } from '@rillflow/core'
import { barrier, type Barrier } from './barrier.js'

/** A statement that is stopped on its way. */
export interface Held {
  /** It has come to where it is stopped. */
  readonly arrived: Promise<void>
  readonly letGo: () => void
}

interface Hold {
  readonly pattern: RegExp
  readonly moment: 'before' | 'answer'
  readonly arrived: Barrier
  readonly gate: Barrier
}

/** A real pool that remembers what was sent by it, and can hold a statement back, or its answer. */
export class WatchedPool implements PoolLike {
  readonly #pool: PoolLike
  readonly #holds: Hold[] = []
  #failing: RegExp | undefined
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

  /** The operations that were sent since this was last asked for: `begin`, `claim_leases`, `acknowledge` … */
  operations(): readonly string[] {
    return this.take().map(({ text }) => /^\/\* rillflow:(\w+)/.exec(text)?.[1] ?? text)
  }

  /** Stops the next statement that the pattern fits: before it is sent, or when the database has done it. */
  hold(pattern: RegExp, moment: Hold['moment'] = 'answer'): Held {
    const held = { pattern, moment, arrived: barrier(), gate: barrier() }
    this.#holds.push(held)
    return { arrived: held.arrived.opened, letGo: held.gate.open }
  }

  /** From now on statements that the pattern fits fail as on a lost connection; none without one. */
  fail(pattern: RegExp | undefined): void {
    this.#failing = pattern
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
    if (this.#failing?.test(config.text) === true) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const place = this.#holds.findIndex(({ pattern }) => pattern.test(config.text))
    const [held] = place === -1 ? [] : this.#holds.splice(place, 1)
    if (held?.moment === 'before') await stopAt(held)
    const result = await client.query(config)
    if (held?.moment === 'answer') await stopAt(held)
    return result
  }
}

async function stopAt({ arrived, gate }: Hold): Promise<void> {
  arrived.open()
  await gate.opened
}
