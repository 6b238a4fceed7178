import type { OrderDocument } from './order-document.js'

/** A document store under test: the least that each of them can do. */
export interface DocumentStore {
  /** Stores a document that is not there yet, as its first version, and returns when that is durable. */
  put(doc: OrderDocument): Promise<void>
  /** Replaces a document that must be at `version`. */
  replace(doc: OrderDocument, version: number): Promise<void>
  /** Stores documents that are not there yet. */
  putMany(docs: readonly OrderDocument[]): Promise<void>
  /** The document, decoded; undefined when it is not there. */
  get(id: string): Promise<object | undefined>
  /** How many documents of a customer come, decoded. */
  findByCustomer(customerId: string): Promise<number>
  /** How often documents were written: the sum of all versions, counted in the database. */
  writes(): Promise<number>
  close(): Promise<void>
}

/** Opens a store on an empty database, tables made; with an index on the customer where that is asked for. */
export type OpenDocumentStore = (url: string, options?: DocumentStoreOptions) => Promise<DocumentStore>

/** What a store is made with. */
export interface DocumentStoreOptions {
  readonly customerIndex?: boolean | undefined
}
