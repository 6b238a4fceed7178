import type { PoolClientLike, PoolLike, QueryConfigLike } from '@rillflow/core'

interface Planned {
  readonly pattern: RegExp
  readonly step: () => Promise<void>
}

/** A real pool that tells what is sent, and lets something happen right after a statement. */
export class SteppedPool implements PoolLike {
  readonly #pool: PoolLike
  readonly #onSend: (config: QueryConfigLike) => unknown
  #planned: Planned | undefined

  constructor(pool: PoolLike, onSend: (config: QueryConfigLike) => unknown = () => undefined) {
    this.#pool = pool
    this.#onSend = onSend
  }

  /** Runs `step` once, after the next statement whose text matches and before anything else is sent. */
  afterNext(pattern: RegExp, step: () => Promise<void>): void {
    this.#planned = { pattern, step }
  }

  async connect(): Promise<PoolClientLike> {
    const client = await this.#pool.connect()
    return {
      query: async (config: QueryConfigLike) => {
        this.#onSend(config)
        const result = await client.query(config)
        await this.#afterwards(config.text)
        return result
      },
      release: (destroy) => client.release(destroy),
    }
  }

  /** Runs one statement and gives its rows as objects. */
  readonly query = async (text: string, values: unknown[]): Promise<readonly unknown[]> => {
    const client = await this.connect()
    try {
      return (await client.query({ text, values })).rows
    } finally {
      client.release()
    }
  }

  async #afterwards(text: string): Promise<void> {
    const planned = this.#planned
    if (planned?.pattern.test(text) !== true) return
    this.#planned = undefined
    await planned.step()
  }
}
