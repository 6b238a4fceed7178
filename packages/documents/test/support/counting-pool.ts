import type { PoolClientLike, PoolLike, QueryConfigLike, QueryResultLike } from '@rillflow/core'
import pg from 'pg'

/** A real pool that remembers what was sent by it, and may hold statements back until the test says so. */
export class CountingPool implements PoolLike {
  readonly #pool: pg.Pool
  sent: QueryConfigLike[] = []
  /** Awaited before each statement is sent. */
  gate: Promise<void> | undefined

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 4 })
  }

  /** The operations that were sent, as their texts name them. */
  get operations(): readonly string[] {
    return this.sent.map(({ text }) => /^\/\* rillflow:(.+?) \*\//.exec(text)?.[1] ?? text)
  }

  async connect(): Promise<PoolClientLike> {
    const client = await this.#pool.connect()
    return {
      query: async (config: QueryConfigLike): Promise<QueryResultLike> => {
        this.sent.push(config)
        await this.gate
        const { values, ...rest } = config
        const query = values === undefined ? rest : { ...rest, values }
        return client.query(query as pg.QueryArrayConfig)
      },
      release: (destroy) => client.release(destroy),
    }
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }
}
