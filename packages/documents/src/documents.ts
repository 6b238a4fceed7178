import { InvalidConfigError, moduleContract, type Module, type SchemaComponent, type Scope } from '@rillflow/core'
import createDocuments from '../sql/0001_documents.sql'
import createPatches from '../sql/0002_patches.sql'
import addWriteIds from '../sql/0003_write_ids.sql'
import { Coalescing } from './batch/coalescing.js'
import { collectionApi, type AnyCollection, type CollectionHost } from './collection-api.js'
import { quote } from './describe-document.js'
import { withDefaults, type DocumentsOptions } from './documents-options.js'
import type { CollectionRecord, DocumentsShape } from './documents-shape.js'
import { LostWrites } from './operations/lost-writes.js'
import { prepareCollection, type PreparedCollection } from './operations/prepared-collection.js'
import { documentsService } from './service/documents-service.js'
import { documentsSession } from './session/session-part.js'

/**
 * The module that keeps documents: `store.docs.<key>` for each collection, under the names given here.
 *
 * @throws InvalidConfig when two keys have collections of one name, or an option does not fit.
 *
 * @example
 * ```ts
 * import { createStore, typed } from '@rillflow/core'
 * import { defineCollection, documents } from '@rillflow/documents'
 *
 * const Customer = defineCollection('customers', { schema: typed<{ id: string; email: string }>() })
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: { docs: documents({ customers: Customer }) },
 * })
 * await store.docs.customers.put({ id: 'c-1', email: 'a@x.io' })
 * await store.close()
 * ```
 */
export function documents<const Collections extends CollectionRecord>(
  collections: Collections,
  options: DocumentsOptions = {},
): Module<DocumentsShape<Collections>> {
  checkNames(collections)
  const { outcomeTimeout } = withDefaults(options)
  const prepared = new Map(Object.entries(collections).map(([key, value]) => [key, prepareCollection(value)]))
  const module: Module<DocumentsShape> = {
    name: '@rillflow/documents',
    contract: moduleContract,
    components: [component([...prepared.values()])],
    install({ connection }) {
      const lostWrites = new LostWrites(connection, outcomeTimeout)
      const coalescing = new Coalescing(connection, lostWrites)
      return {
        service: documentsService(prepared.values()),
        store: (scope) => apis(prepared, scope, { coalescing, connection, lostWrites }),
        transaction: (scope) => apis(prepared, scope, undefined),
        session: (scope) => documentsSession(prepared, scope),
        close: () => coalescing.close(),
      }
    },
  }
  // The mapped types are built key by key; TypeScript cannot follow a loop.
  return module as unknown as Module<DocumentsShape<Collections>>
}

function component(collections: readonly PreparedCollection[]): SchemaComponent {
  return {
    module: 'documents',
    migrations: [
      { number: 1, name: 'documents', sql: createDocuments },
      { number: 2, name: 'patches', sql: createPatches },
      { number: 3, name: 'write ids', sql: addWriteIds },
    ],
    indexes: collections.flatMap(({ declared }) => declared.map(({ made }) => made)),
  }
}

function apis(
  collections: ReadonlyMap<string, PreparedCollection>,
  scope: Scope,
  store: CollectionHost['store'],
): Record<string, AnyCollection> {
  return Object.fromEntries(
    [...collections].map(([key, collection]) => [key, collectionApi({ collection, scope, store })]),
  )
}

function checkNames(collections: CollectionRecord): void {
  const seen = new Set<string>()
  for (const { name } of Object.values(collections)) {
    if (seen.has(name)) {
      throw new InvalidConfigError(
        `documents(…) has the collection ${quote(name)} under two keys. Leave one, or give them different names.`,
      )
    }
    seen.add(name)
  }
}
