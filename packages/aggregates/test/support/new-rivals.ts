import type { PoolLike } from '@rillflow/core'
import { newWatchedStore, otherStore } from './watched-store.js'

/** A store, and another on the same schema that is faster on the stream `a` whenever `interfere` is called. */
export async function newRivals(database: PoolLike) {
  const made = await newWatchedStore(database)
  const rival = otherStore(database, made.schema)
  const interfere = async (): Promise<void> => {
    await rival.events.append('a', [{ type: 'Deposited', data: { amount: 1 } }])
  }
  return { ...made, rival, interfere }
}
