import type { PoolClientLike, PoolLike, QueryConfigLike, QueryResultLike } from '@rillflow/core'

/** A real pool that remembers what was sent by it, and how many of its connections are lent. */
export class CountingPool implements PoolLike {
  readonly #pool: PoolLike
  #sent: QueryConfigLike[] = []
  #lent = 0

  constructor(pool: PoolLike) {
    this.#pool = pool
  }

  get lent(): number {
    return this.#lent
  }

  /** What was sent since this was last asked for. */
  take(): readonly QueryConfigLike[] {
    const sent = this.#sent
    this.#sent = []
    return sent
  }

  async connect(): Promise<PoolClientLike> {
    const client = await this.#pool.connect()
    this.#lent += 1
    return {
      query: (config: QueryConfigLike): Promise<QueryResultLike> => {
        this.#sent.push(config)
        return client.query(config)
      },
      release: (destroy) => {
        this.#lent -= 1
        client.release(destroy)
      },
    }
  }
}
