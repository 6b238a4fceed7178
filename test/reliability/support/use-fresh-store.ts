import { beforeEach } from 'vitest'
import { makeSchema, openStore, type ReliabilityStore } from './open-store.js'
import type { OwnServer } from './use-server.js'

/** A schema of the present test's own, and a store on it. */
export interface FreshStore {
  readonly schema: string
  readonly store: ReliabilityStore
}

/** Makes the tables in another schema for each test; `name` begins the names of the schemas. */
export function useFreshStore(server: OwnServer, name: string): FreshStore {
  let fresh: FreshStore | undefined
  let made = 0
  const present = (): FreshStore => {
    if (fresh === undefined) throw new Error('useFreshStore: it is there in tests alone.')
    return fresh
  }
  beforeEach(async () => {
    made += 1
    const schema = `${name}_${made}`
    await makeSchema(server.url, schema)
    const { pool } = server
    // The pool outlives the store: an adapter has no end of its own.
    fresh = { schema, store: openStore({ pool: { connect: () => pool.connect() } }, schema) }
  })
  return {
    get schema() {
      return present().schema
    },
    get store() {
      return present().store
    },
  }
}
