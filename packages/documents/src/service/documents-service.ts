import { validate, type ModuleKey, type TransactionScope } from '@rillflow/core'
import { describeDocument } from '../describe-document.js'
import type { DocumentsShape } from '../documents-shape.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { loadMany, type LoadRequest } from './load-many.js'
import { shadowOf } from './shadow-of.js'
import { clearStored, swapShadow } from './swap-shadow.js'
import { writeMany, type WriteRequest } from './write-many.js'

/** Where documents of a collection are kept: under its own name, or under that of its shadow. */
export interface StoredAs {
  /** The name of the collection. */
  readonly collection: string
  /** The name that its rows have. */
  readonly stored: string
}

/** What documents lend to the modules that build on them: whole read models, in few statements. */
export interface DocumentsService {
  /** Tells whether the store has a collection of this name. */
  has(collection: string): boolean
  /** The name under which a collection is made anew beside itself; no collection can have it. */
  shadowOf(collection: string): string
  /**
   * What the schema of a collection makes of a document; a promise only where the schema gives one.
   *
   * @throws ValidationFailed
   */
  validate(collection: string, id: string, doc: unknown): unknown
  /** Live documents by id, as they are stored: one statement for a thousand of them. */
  load(scope: TransactionScope, from: StoredAs & LoadRequest): Promise<ReadonlyMap<string, unknown>>
  /**
   * Puts documents whole, whatever was there, and removes others for good: a statement of each kind for a thousand of
   * them. Each id may stand once.
   *
   * @throws UniqueConflict
   */
  write(scope: TransactionScope, to: StoredAs & WriteRequest): Promise<void>
  /** Takes away what was made beside a collection. */
  clearShadow(scope: TransactionScope, collection: string): Promise<void>
  /** Puts what was made beside a collection in its place: readers see all of the one or all of the other. */
  swapShadow(scope: TransactionScope, collection: string): Promise<void>
}

/** The documents of a store, for modules that build on them. */
export const documentsModule: ModuleKey<DocumentsShape, DocumentsService> = { name: '@rillflow/documents' }

/** Makes what documents lend, of one store. */
export function documentsService(collections: Iterable<PreparedCollection>): DocumentsService {
  const byName = new Map([...collections].map((collection) => [collection.name, collection]))
  // Whoever builds on a collection has asked whether it is there, once.
  const find = (name: string): PreparedCollection => byName.get(name) as PreparedCollection
  return {
    has: (collection) => byName.has(collection),
    shadowOf,
    validate: (collection, id, doc) => validate(find(collection).schema, doc, describeDocument(collection, id)),
    load: (scope, from) => loadMany(scope, from),
    write: (scope, to) => writeMany(scope, find(to.collection), to),
    clearShadow: (scope, collection) => clearStored(scope, shadowOf(collection)),
    swapShadow: (scope, collection) => swapShadow(scope, collection),
  }
}
