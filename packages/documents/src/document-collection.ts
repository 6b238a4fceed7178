import type { BulkResult } from './batch/bulk.js'
import type { FieldOf, FieldValue } from './collections/field-types.js'
import type { PatchedDocument } from './operations/patch-document.js'
import type { WrittenDocument } from './operations/write-document.js'
import type { PatchBuild } from './patch/patch.js'
import type { CompiledQuery } from './query/compiled-query.js'
import type { Condition } from './query/condition.js'
import type { IndexAdvice } from './query/advise-indexes.js'
import type { Query } from './query/query.js'
import type { StoredDocument } from './stored-document.js'
import type { ImportOptions } from './transfer/progress.js'

/** How a call that may wait for others is withdrawn. */
export interface CallOptions {
  /**
   * Withdraws the call (`Aborted`) as long as it has not been sent; afterwards its outcome is told all the same. Inside a
   * transaction, where nothing waits, it is looked at before the statement is sent.
   */
  readonly signal?: AbortSignal | undefined
}

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

/** How a document is patched. */
export interface PatchOptions extends ChangeOptions {
  /**
   * True also checks that the patched document fits the schema, and stores what the schema makes of it. The document then
   * comes here and goes back, under a row lock, instead of staying where it is.
   */
  readonly validate?: boolean | undefined
}

/** How a document is purged. */
export interface PurgeOptions extends ChangeOptions {
  /** True also removes a document that is not soft-deleted. */
  readonly force?: boolean | undefined
}

/** How many documents are put. */
export interface PutManyOptions<Input> {
  /** The version that each document must have; 0 when it must not exist, undefined for whatever is there. */
  readonly expected?: ((doc: Input) => number | undefined) | undefined
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
   * ValidationFailed, UnstorableValue, InvalidArgument; Overloaded, Aborted.
   *
   * @example
   * ```ts ignore
   * const { version } = await store.docs.customers.put({ id: 'c-1', email: 'a@x.io' })
   * await store.docs.customers.put({ id: 'c-1', email: 'b@x.io' }, { expected: version })
   * ```
   */
  put(doc: Input, options?: PutOptions & CallOptions): Promise<WrittenDocument>

  /** Stores a new document: `put` with `expected: 0`. */
  insert(doc: Input, options?: CallOptions): Promise<WrittenDocument>

  /** The document; undefined when it is missing or deleted. @throws Overloaded, Aborted */
  get(id: string, options?: CallOptions): Promise<Document | undefined>

  /** The documents in the order of the ids, undefined where one is missing or deleted. */
  getMany(ids: readonly string[]): Promise<(Document | undefined)[]>

  /** One field of a document, without the rest; undefined when the document is missing or deleted, or has no such field. */
  getField<const Field extends FieldOf<Document>>(
    id: string,
    field: Field,
  ): Promise<FieldValue<Document, Field> | undefined>

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
   * Changes parts of a document where it is, in one statement: several operations on several paths, all of them or none.
   * A patch that changes nothing makes no version.
   *
   * @throws PatchRefused when an operation does not fit what is there. DocumentNotFound, DocumentDeleted, VersionConflict,
   * UniqueConflict, UnstorableValue, InvalidArgument; ValidationFailed with `validate`.
   *
   * @example
   * ```ts ignore
   * await store.docs.orders.patch('o-1', (order) =>
   *   order.set('address.city', 'Oslo').increment('lines[0].count', 2).append('tags', 'rush').remove('note'),
   * )
   * ```
   */
  patch(id: string, build: PatchBuild<Document>, options?: PatchOptions): Promise<PatchedDocument>

  /**
   * Deletes softly: `get` and `find` no longer see the document, `restore` brings it back. It makes a version.
   *
   * @throws DocumentNotFound, DocumentDeleted, VersionConflict; Overloaded, Aborted
   */
  delete(id: string, options?: ChangeOptions & CallOptions): Promise<WrittenDocument>

  /**
   * Brings a deleted document back, as a new version. A document that is not deleted is left as it is.
   *
   * @throws DocumentNotFound, VersionConflict, UniqueConflict when another document has taken a unique value.
   */
  restore(id: string, options?: ChangeOptions): Promise<WrittenDocument>

  /**
   * Removes a soft-deleted document for good, its id free again. With `force` also one that is not deleted.
   *
   * @throws DocumentNotFound, DocumentNotDeleted, VersionConflict
   */
  purge(id: string, options?: PurgeOptions): Promise<WrittenDocument>

  /**
   * Stores many documents, new or not, by few statements of bounded size. Each document has its own outcome: one that is
   * refused, or does not fit the schema, leaves the others alone.
   *
   * On the store every statement commits on its own.
   *
   * @example
   * ```ts ignore
   * const { outcomes, failed } = await store.docs.customers.putMany(customers)
   * ```
   */
  putMany(docs: readonly Input[], options?: PutManyOptions<Input>): Promise<BulkResult>

  /** Stores many new documents: `putMany` where none may exist. */
  insertMany(docs: readonly Input[]): Promise<BulkResult>

  /** Applies one patch to many documents, by few statements. @throws InvalidArgument, UnstorableValue for the patch */
  patchMany(ids: readonly string[], build: PatchBuild<Document>): Promise<BulkResult>

  /** Deletes many documents softly, by few statements. */
  deleteMany(ids: readonly string[]): Promise<BulkResult>

  /**
   * Stores new documents of any number in constant memory, all of them or none, and gives their number: by COPY on the
   * store, by statements of bounded size inside a transaction.
   *
   * It takes a connection of its own beside the pool's. Inside a transaction, and with a driver that knows no COPY or lets
   * no connection be made, it holds one of the pool's until it ends, and a source that reads from the same store needs
   * another.
   *
   * @throws UniqueConflict when an id or a unique value is taken. ValidationFailed, UnstorableValue, InvalidArgument, and
   * what the source of the documents throws.
   *
   * @example
   * ```ts ignore
   * await store.docs.customers.importAll(readLines('customers.ndjson'), { onProgress: ({ documents }) => log(documents) })
   * ```
   */
  importAll(docs: Iterable<Input> | AsyncIterable<Input>, options?: ImportOptions): Promise<number>

  /**
   * The documents that meet a condition, in the order of their ids (by bytes): the short form of `query(condition).all()`.
   *
   * @throws InvalidArgument, UnstorableValue
   *
   * @example
   * ```ts ignore
   * const inOslo = await store.docs.customers.find({ tier: 'pro', 'address.city': 'Oslo' }, { limit: 20 })
   * ```
   */
  find(condition: Condition<Document>, options?: FindOptions): Promise<Document[]>

  /**
   * Begins a query; all documents unless a condition is given.
   *
   * @example
   * ```ts ignore
   * const page = await store.docs.customers
   *   .query({ tier: oneOf(['free', 'pro']), visits: gte(5) })
   *   .orderBy('visits', 'desc')
   *   .page(20)
   * ```
   */
  query(condition?: Condition<Document>): Query<Document>

  /** Runs a query of `compileQuery` with values for its parameters. @throws InvalidArgument, ValidationFailed */
  run<Values, Row>(query: CompiledQuery<Values, Row>, params: Values): Promise<Row[]>

  /**
   * Indexes that would serve what this process has asked this collection for and that no declared one serves, the most
   * asked for first, with what each would cost. It reads at most 10,000 documents to tell.
   */
  adviseIndexes(): Promise<readonly IndexAdvice[]>
}
