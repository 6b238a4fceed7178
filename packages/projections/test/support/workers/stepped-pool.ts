import type { PoolClientLike, PoolLike, QueryConfigLike } from '@rillflow/core'
import { barrier, type Barrier } from './barrier.js'

/** A real pool that remembers what was sent by it, and can stop statements or lose connections. */
export class SteppedPool implements PoolLike {
  readonly #pool: PoolLike
  readonly #steps: { readonly operation: string; readonly step: Barrier }[] = []
  readonly #lost = new Set<string>()
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

  /** Stops the next statement of an operation before it is sent: `commit`, `renew_leases` … */
  step(operation: string): Barrier {
    const step = barrier()
    this.#steps.push({ operation, step })
    return step
  }

  /** From now on statements of an operation never come back. */
  lose(operation: string): void {
    this.#lost.add(operation)
  }

  /** They come back again. */
  find(operation: string): void {
    this.#lost.delete(operation)
  }

  async connect(): Promise<PoolClientLike> {
    const client = await this.#pool.connect()
    return {
      query: async (config) => {
        this.#sent.push(config)
        const operation = operationOf(config)
        if (this.#lost.has(operation)) throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
        const place = this.#steps.findIndex((each) => each.operation === operation)
        if (place !== -1) await this.#steps.splice(place, 1)[0]?.step.pass()
        return client.query(config)
      },
      release: (destroy) => client.release(destroy),
    }
  }
}

/** The name of a statement, or its text where it has none. */
export function operationOf({ text }: QueryConfigLike): string {
  return /^\/\* rillflow:(.*?) \*\//.exec(text)?.[1] ?? text
}
