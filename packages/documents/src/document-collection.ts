import type { Filter } from './collections/field-types.js'
import type { WrittenDocument } from './operations/write-document.js'
import type { StoredDocument } from './stored-document.js'

/** How a document is put. */
export interface PutOptions {
  /** The version that the document must have; 0 when it must not exist. Left out: whatever is there is replaced. */
  readonly expected?: number | undefined
}

/** How a document that exists is changed. */
export interface ChangeOptions {
  /** The version that the document must have, from 1. */
  readonly expected?: number | undefined
}

/** How documents are found. */
export interface FindOptions {
  /** The most documents returned; all of them unless told. */
  readonly limit?: number | undefined
}

/**
 * One collection of a store or of a transaction. Each method is one statement, and one round trip, except `update`.
 *
 * On the store each call commits on its own; in a transaction it is part of it.
 */
export interface DocumentCollection<Document, Input = Document> {
  /**
   * Stores the document whole, new or not, and gives its new version; putting what is there already makes a version too.
   *
   * @throws DocumentDeleted when the id is soft-deleted: restore it first. VersionConflict, UniqueConflict,
   * ValidationFailed, UnstorableValue, InvalidArgument.
   *
   * @example
   * ```ts ignore
   * const { version } = await store.docs.customers.put({ id: 'c-1', email: 'a@x.io' })
   * await store.docs.customers.put({ id: 'c-1', email: 'b@x.io' }, { expected: version })
   * ```
   */
  put(doc: Input, options?: PutOptions): Promise<WrittenDocument>

  /** Stores a new document: `put` with `expected: 0`. */
  insert(doc: Input): Promise<WrittenDocument>

  /** The document; undefined when it is missing or deleted. */
  get(id: string): Promise<Document | undefined>

  /** The document with its version and times, also when it is deleted; undefined when it was never stored. */
  getStored(id: string): Promise<StoredDocument<Document> | undefined>

  /**
   * Puts what `change` makes of the document, while its row is locked: concurrent updates take turns and none is lost.
   *
   * It runs in one transaction, which is run again after a deadlock: `change` must bear being called twice.
   *
   * @throws DocumentNotFound, DocumentDeleted, VersionConflict, UniqueConflict, and what `put` throws of a document that
   * does not fit. An error of `change` comes out unchanged.
   *
   * @example
   * ```ts ignore
   * await store.docs.accounts.update('a-1', (account) => ({ ...account, balance: account.balance + 5 }))
   * ```
   */
  update(
    id: string,
    change: (doc: Document) => Input | Promise<Input>,
    options?: ChangeOptions,
  ): Promise<WrittenDocument>

  /**
   * Deletes softly: `get` and `find` no longer see the document, `restore` brings it back. It makes a version.
   *
   * @throws DocumentNotFound, DocumentDeleted, VersionConflict
   */
  delete(id: string, options?: ChangeOptions): Promise<WrittenDocument>

  /**
   * Brings a deleted document back, as a new version. A document that is not deleted is left as it is.
   *
   * @throws DocumentNotFound, VersionConflict, UniqueConflict when another document has taken a unique value.
   */
  restore(id: string, options?: ChangeOptions): Promise<WrittenDocument>

  /**
   * The documents whose fields all equal the filter's, in the order of their ids (by bytes).
   *
   * Equality is JSON's: 5 is not '5', null is a stored null and no absent field, an object is equal to an object with the
   * same properties and nothing more. A value is only ever data. A declared index on a field is used.
   *
   * @throws InvalidArgument, UnstorableValue
   *
   * @example
   * ```ts ignore
   * const inOslo = await store.docs.customers.find({ tier: 'pro', 'address.city': 'Oslo' }, { limit: 20 })
   * ```
   */
  find(filter: Filter<Document>, options?: FindOptions): Promise<Document[]>
}
