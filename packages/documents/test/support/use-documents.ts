import { createStore, type Module, type SingleStore } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase, type TestDatabase } from '@rillflow/testing/vitest'
import { afterAll } from 'vitest'
import { documents, type CollectionRecord, type DocumentsShape } from '../../src/index.js'

type DocumentsStore<Collections extends CollectionRecord> = SingleStore<{
  readonly docs: Module<DocumentsShape<Collections>>
}>

interface DocumentsFixture<Collections extends CollectionRecord> {
  readonly database: TestDatabase
  /** A store on the database of this file; made when it is first asked for. */
  readonly store: DocumentsStore<Collections>
}

/** Gives the test file a database with the tables and indexes of these collections, and a store on it. */
export function useDocuments<const Collections extends CollectionRecord>(
  collections: Collections,
): DocumentsFixture<Collections> {
  const open = (url: string): DocumentsStore<Collections> =>
    createStore({ connection: url, modules: { docs: documents(collections) } })
  const database = useDatabase({
    migrate: async (url) => {
      await using store = open(url)
      await sync(store)
    },
  })
  let store: DocumentsStore<Collections> | undefined
  afterAll(async () => store?.close())
  return {
    database,
    get store() {
      return (store ??= open(database.url))
    },
  }
}
