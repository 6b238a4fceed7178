import { loadPeer } from '../../peers/load-peer.js'
import { peers } from '../../peers/peers.js'
import { runOnce } from '../pool.js'
import { countWrites } from './count-writes.js'
import type { DocumentStore, DocumentStoreOptions } from './document-store.js'

/** What is used of `@event-driven-io/pongo`. */
interface Pongo {
  pongoClient(url: string): PongoClient
}

interface PongoClient {
  db(): { collection(name: string): PongoCollection }
  close(): Promise<void>
}

interface PongoCollection {
  createCollection(): Promise<void>
  insertOne(doc: object): Promise<{ readonly successful: boolean }>
  insertMany(docs: readonly object[]): Promise<{ readonly insertedCount: number }>
  replaceOne(
    filter: object,
    doc: object,
    options: { readonly expectedVersion: bigint },
  ): Promise<{ readonly successful: boolean }>
  findOne(filter: object): Promise<object | null>
  find(filter: object): Promise<readonly object[]>
}

// The one index that could serve a condition on any field; Pongo makes none.
const INDEX = 'create index on orders using gin (data jsonb_path_ops)'

/** Pongo, opened by URL as its own documentation does: `insertOne`, `findOne`, `replaceOne`, `insertMany`, `find`. */
export async function pongo(url: string, options: DocumentStoreOptions = {}): Promise<DocumentStore> {
  const peer = await loadPeer<Pongo>(peers.emmett, '@event-driven-io/pongo')
  const client = peer.pongoClient(url)
  const collection = client.db().collection('orders')
  // Made by hand, it is not looked for before the first call.
  await collection.createCollection()
  if (options.customerIndex) await runOnce(url, INDEX)
  return {
    put: async ({ id, ...doc }) => {
      const { successful } = await collection.insertOne({ ...doc, _id: id })
      if (!successful) throw new Error(`Document ${id} was not inserted.`)
    },
    replace: async ({ id, ...doc }, version) => {
      const { successful } = await collection.replaceOne({ _id: id }, doc, { expectedVersion: BigInt(version) })
      if (!successful) throw new Error(`Document ${id} is not at version ${version}.`)
    },
    putMany: async (docs) => {
      const { insertedCount } = await collection.insertMany(docs.map(({ id, ...doc }) => ({ ...doc, _id: id })))
      if (insertedCount !== docs.length) throw new Error(`${insertedCount} of ${docs.length} were inserted.`)
    },
    get: async (id) => (await collection.findOne({ _id: id })) ?? undefined,
    findByCustomer: async (customerId) => (await collection.find({ customerId })).length,
    writes: () => countWrites(url, 'orders', '_version'),
    close: () => client.close(),
  }
}
