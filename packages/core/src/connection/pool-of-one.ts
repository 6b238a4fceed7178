import type { ClientLike, PoolClientLike, PoolLike } from './pool-like.js'

/**
 * Lends one client to one caller at a time, first come first served.
 *
 * Without the turns, a second call would run inside the first one's transaction.
 */
export function poolOfOne(client: ClientLike): PoolLike {
  let last: Promise<void> = Promise.resolve()
  return {
    async connect(): Promise<PoolClientLike> {
      const before = last
      let done = (): void => undefined
      last = new Promise<void>((resolve) => (done = resolve))
      await before
      return { query: (config) => client.query(config), release: () => done() }
    },
    on: (event, listener) => client.on?.(event, listener),
    removeListener: (event, listener) => client.removeListener?.(event, listener),
  }
}
