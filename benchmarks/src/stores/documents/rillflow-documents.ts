import { createStore, typed } from '@rillflow/core'
import { defineCollection, documents, index, type FieldOf, type IndexDefinition } from '@rillflow/documents'
import { sync } from '@rillflow/schema'
import { POOL_SIZE } from '../pool.js'
import { countWrites } from './count-writes.js'
import type { DocumentStore, DocumentStoreOptions } from './document-store.js'
import type { OrderDocument } from './order-document.js'

/** The collection under test; payloads are not validated, as by no peer. */
export function orders(indexes: readonly IndexDefinition<FieldOf<OrderDocument>>[] = []) {
  return defineCollection('orders', { schema: typed<OrderDocument>(), indexes })
}

/** A Rillflow store of order documents, tables and indexes made. */
export async function openRillflowDocuments(url: string, collection = orders()) {
  const store = createStore({
    connection: { url, maxConnections: POOL_SIZE },
    modules: { docs: documents({ orders: collection }) },
  })
  await sync(store)
  return store
}

/** Rillflow: `put`, `get`, `putMany`, `find`. */
export async function rillflowDocuments(url: string, options: DocumentStoreOptions = {}): Promise<DocumentStore> {
  const store = await openRillflowDocuments(url, orders(options.customerIndex ? [index('customerId')] : []))
  const { orders: collection } = store.docs
  return {
    put: async (doc) => void (await collection.put(doc)),
    replace: async (doc, version) => void (await collection.put(doc, { expected: version })),
    putMany: async (docs) => {
      const { failed } = await collection.putMany(docs)
      if (failed > 0) throw new Error(`${failed} of ${docs.length} documents were refused.`)
    },
    get: (id) => collection.get(id),
    findByCustomer: async (customerId) => (await collection.find({ customerId })).length,
    writes: () => countWrites(url, 'rillflow.docs', 'version'),
    close: () => store.close(),
  }
}
