import type { PoolClientLike, PoolLike, QueryConfigLike } from '@rillflow/core'
import pg from 'pg'

/** A real pool whose connections take statements before the earlier ones are answered; it tells what was sent. */
export class WatchedPool implements PoolLike {
  readonly #pool: pg.Pool
  #sent: QueryConfigLike[] = []
  #roundTrips = 0

  constructor(url: string) {
    const config: pg.PoolConfig & { readonly pipeline: boolean } = { connectionString: url, max: 1, pipeline: true }
    this.#pool = new pg.Pool(config)
  }

  /** What was sent since this was last asked for, and how often somebody had to wait for an answer. */
  take(): {
    readonly sent: readonly QueryConfigLike[]
    readonly names: readonly string[]
    readonly roundTrips: number
  } {
    const [sent, roundTrips] = [this.#sent, this.#roundTrips]
    this.#sent = []
    this.#roundTrips = 0
    return { sent, names: sent.map(nameOf), roundTrips }
  }

  async connect(): Promise<PoolClientLike> {
    const client = await this.#pool.connect()
    let out = 0
    return {
      pipeline: true,
      query: async (config) => {
        this.#sent.push(config)
        // Those that leave before the first of them is answered share its way.
        if (out === 0) this.#roundTrips += 1
        out += 1
        try {
          return await client.query(config)
        } finally {
          out -= 1
        }
      },
      release: (destroy) => client.release(destroy),
    }
  }

  async end(): Promise<void> {
    await this.#pool.end()
  }
}

function nameOf({ text }: QueryConfigLike): string {
  return /^\/\* rillflow:(.*?) \*\//.exec(text)?.[1] ?? text
}
