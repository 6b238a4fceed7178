import type { PatchBuild } from '../patch/patch.js'

/** How a document is loaded. */
export interface LoadOptions {
  /**
   * True makes `saveChanges` look whether the object was changed in place, and store it if so: it costs an encoding at
   * each save. An object that is not tracked is stored by `store` alone.
   */
  readonly track?: boolean | undefined
}

/** One collection of a session: what is loaded is remembered, what is stored or deleted is written by `saveChanges`. */
export interface DocumentSession<Document, Input = Document> {
  /**
   * The document as this session sees it: what is staged first, then what was loaded before (the very same object),
   * then the database. Undefined when it is missing or deleted; that, too, is remembered.
   *
   * @throws InvalidArgument
   */
  load(id: string, options?: LoadOptions): Promise<Document | undefined>

  /** Several documents as this session sees them, in the order of the ids, by one statement for those not known yet. */
  loadMany(ids: readonly string[], options?: LoadOptions): Promise<(Document | undefined)[]>

  /**
   * Stages the document whole, as it is now: it is validated and encoded here, and later changes to the object do not
   * count. Without `expected` the version known from `load` is expected, 0 when `load` found nothing; a document that was
   * never loaded replaces whatever is there.
   *
   * @throws ValidationFailed, UnstorableValue, InvalidArgument; with an asynchronous schema `saveChanges` throws them.
   *
   * @example
   * ```ts ignore
   * const customer = await session.docs.customers.load('c-1')
   * session.docs.customers.store({ ...customer, tier: 'pro' })
   * await session.saveChanges()
   * ```
   */
  store(doc: Input, options?: { readonly expected?: number | undefined }): void

  /**
   * Stages a patch, applied where the document is: to what is there when it is saved, whatever its version unless
   * `expected` is given. `load` shows the document with it. On a document that is staged, it changes what is staged.
   *
   * @throws InvalidArgument, UnstorableValue; PatchRefused for a staged document, else `saveChanges` throws it.
   */
  patch(id: string, build: PatchBuild<Document>, options?: { readonly expected?: number | undefined }): void

  /**
   * Stages a soft delete, with the version known from `load` unless told. Deleting what is staged as new only unstages it.
   *
   * @throws InvalidArgument
   */
  delete(id: string, options?: { readonly expected?: number | undefined }): void

  /** Forgets all about a document: what is staged for it, and what was loaded. */
  evict(id: string): void

  /** Forgets all about a document, and loads it as it is now. */
  refresh(id: string, options?: LoadOptions): Promise<Document | undefined>
}

/** What `saveChanges` tells of one document. */
export interface SavedDocument {
  readonly collection: string
  readonly id: string
  /** The version that it has now; a delete makes one too. */
  readonly version: number
}
