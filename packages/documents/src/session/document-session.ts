/** One collection of a session: what is loaded is remembered, what is stored or deleted is written by `saveChanges`. */
export interface DocumentSession<Document, Input = Document> {
  /**
   * The document as this session sees it: what is staged first, then what was loaded before (the very same object),
   * then the database. Undefined when it is missing or deleted; that, too, is remembered.
   *
   * @throws InvalidArgument
   */
  load(id: string): Promise<Document | undefined>

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
   * Stages a soft delete, with the version known from `load` unless told. Deleting what is staged as new only unstages it.
   *
   * @throws InvalidArgument
   */
  delete(id: string, options?: { readonly expected?: number | undefined }): void
}

/** What `saveChanges` tells of one document. */
export interface SavedDocument {
  readonly collection: string
  readonly id: string
  /** The version that it has now; a delete makes one too. */
  readonly version: number
}
