import type { PoolLike } from '@rillflow/core'
import { newStore, storeOn, type TestStore, type TestStoreOptions } from '../test-store.js'

/** A store of accounts in a schema of its own. */
export function newAccountStore(
  pool: PoolLike,
  options: TestStoreOptions = {},
): Promise<{ store: TestStore; schema: string }> {
  return newStore(lent(pool), options)
}

/** Another store on the same accounts: as good as another process, for they share nothing but the database. */
export function otherAccountStore(pool: PoolLike, schema: string, options: TestStoreOptions = {}): TestStore {
  return storeOn(lent(pool), schema, options)
}

/** A store listens to its pool until it is closed; those of many tests would be told of as a leak. */
function lent(pool: PoolLike): PoolLike {
  return { connect: () => pool.connect() }
}
