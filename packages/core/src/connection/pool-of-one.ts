import type { ClientLike, PoolClientLike, PoolLike } from './pool-like.js'

/** A rollback outside a transaction is only a warning. */
const clean = { text: 'rollback' }

/**
 * Lends one client to one caller at a time, first come first served.
 *
 * Without the turns, a second call would run inside the first one's transaction.
 */
export function poolOfOne(client: ClientLike): PoolLike {
  let last: Promise<void> = Promise.resolve()
  let dirty = false
  return {
    async connect(): Promise<PoolClientLike> {
      const before = last
      let done = (): void => undefined
      last = new Promise<void>((resolve) => (done = resolve))
      await before
      const release = (destroy?: Error | boolean): void => {
        dirty = destroy !== undefined && destroy !== false
        done()
      }
      try {
        // The client is the caller's and cannot be thrown away; without this it might lend a transaction of another call.
        if (dirty) await client.query(clean)
      } catch (error) {
        release(true)
        throw error
      }
      return {
        query: (config) => client.query(config),
        pipeline: client.pipeline,
        processID: client.processID,
        release,
      }
    },
    on: (event, listener) => client.on?.(event, listener),
    removeListener: (event, listener) => client.removeListener?.(event, listener),
  }
}
