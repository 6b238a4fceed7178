import { InvalidArgumentError, InvalidStateError, type Scope } from '@rillflow/core'
import type { BatchItem } from '../batch/batch-item.js'
import type { BatchResult } from '../batch/send-batch.js'
import { checkDocumentId } from '../collections/check-names.js'
import { describeDocument } from '../describe-document.js'
import type { ChangeOptions, PutOptions } from '../document-collection.js'
import { toBody, type AnyDocument, type DocumentBody } from '../operations/document-body.js'
import { execute } from '../operations/executor.js'
import { checkExpected } from '../operations/expected-version.js'
import { patched } from '../operations/patch-document.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { toOperations, type PatchBuild } from '../patch/patch.js'
import type { DocumentSession, LoadOptions } from './document-session.js'
import { IdentityMap, type Loaded } from './identity-map.js'
import { absent, readLoaded } from './read-loaded.js'
import type { Expectation, StagedOperation, StagedPatch, StagedPut } from './staged-operation.js'
import { TrackedDocuments } from './tracked-documents.js'

/** One staged operation on its way into a transaction. */
export interface PendingWrite {
  readonly collection: string
  readonly id: string
  /** Set while an asynchronous schema is at work; the item can be made after it. */
  readonly ready: Promise<unknown> | undefined
  /** @throws what the asynchronous schema threw */
  item(): BatchItem | Promise<BatchItem>
  /** The transaction has committed: lets go of the operation and remembers what it wrote. */
  committed(item: BatchItem, result: BatchResult): void
}

/** One collection of one session. */
export class CollectionSession {
  readonly #collection: PreparedCollection
  readonly #scope: Scope
  readonly #staged = new Map<string, StagedOperation>()
  readonly #identities = new IdentityMap()
  readonly #tracked = new TrackedDocuments()

  readonly api: DocumentSession<AnyDocument, unknown> = {
    load: (id, options = {}) => this.#load(id, options),
    loadMany: async (ids, options = {}) => this.#loadMany(ids, options),
    store: (doc, options = {}) => this.#store(doc, options),
    patch: (id, build, options = {}) => this.#patch(id, build, options),
    delete: (id, options = {}) => this.#delete(id, options),
    evict: (id) => this.#evict(id),
    refresh: async (id, options = {}) => {
      this.#evict(id)
      return this.#load(id, options)
    },
  }

  constructor(collection: PreparedCollection, scope: Scope) {
    this.#collection = collection
    this.#scope = scope
  }

  get pending(): number {
    return this.#staged.size + this.#tracked.changed().filter(({ id }) => !this.#staged.has(id)).length
  }

  /** The staged operations as they are now, and documents that were changed in place. */
  writes(): readonly PendingWrite[] {
    for (const { id, doc } of this.#tracked.changed()) this.#stageFound(id, doc)
    return [...this.#staged.values()].map((operation) => ({
      collection: this.#collection.name,
      id: operation.id,
      ready: operation.kind === 'put' && operation.body instanceof Promise ? operation.body : undefined,
      item: () => this.#item(operation),
      committed: (item, result) => this.#committed(operation, item, result),
    }))
  }

  clear(): void {
    this.#staged.clear()
    this.#identities.clear()
    this.#tracked.clear()
  }

  async #load(id: string, options: LoadOptions): Promise<AnyDocument | undefined> {
    return (await this.#loadMany([id], options))[0]
  }

  async #loadMany(ids: readonly string[], { track }: LoadOptions): Promise<(AnyDocument | undefined)[]> {
    for (const id of ids) checkDocumentId(id)
    const wanted = [...new Set(ids)].filter((id) => this.#needsBase(id) && !this.#identities.has(id))
    // One statement for all of them, and one read for each: each is remembered, or forgotten, on its own.
    const reading = wanted.length === 0 ? undefined : this.#read(wanted)
    return Promise.all(
      ids.map(async (id) => {
        const read = async (): Promise<Loaded> => (await (reading ?? this.#read([id]))).get(id) ?? absent
        const loaded = this.#needsBase(id) ? await this.#identities.load(id, read) : absent
        const doc = await this.#view(id, loaded)
        if (track === true && doc !== undefined && !this.#staged.has(id)) this.#tracked.track(id, doc)
        return doc
      }),
    )
  }

  /** A staged put or delete says all there is to know. */
  #needsBase(id: string): boolean {
    const staged = this.#staged.get(id)
    return staged === undefined || staged.kind === 'patch'
  }

  /** Looked up after the wait: work may have been staged, or saved, while the document was on its way. */
  async #view(id: string, loaded: Loaded): Promise<AnyDocument | undefined> {
    const staged = this.#staged.get(id)
    const base = (this.#identities.known(id) ?? loaded).doc
    if (staged === undefined) return base
    if (staged.kind === 'put') return (await staged.body).doc
    return staged.kind === 'delete' || base === undefined ? undefined : this.#patchedView(staged, base)
  }

  #patchedView(staged: StagedPatch, base: AnyDocument): AnyDocument {
    if (staged.view?.base !== base) {
      const address = { collection: this.#collection.name, id: staged.id }
      staged.view = { base, doc: patched(address, base, staged.operations) }
    }
    return staged.view.doc
  }

  #store(doc: unknown, options: PutOptions): void {
    const expected = checkExpected(options.expected, 0)
    const body = this.#body(toBody(this.#collection, doc))
    const id = body instanceof Promise ? checkDocumentId((doc as { readonly id?: unknown } | null)?.id) : body.id
    this.#staged.set(id, { kind: 'put', id, body, expectation: this.#expect(id, expected) })
  }

  /** A document that was changed in place, as it is now, unless something else was staged for it. */
  #stageFound(id: string, doc: AnyDocument): void {
    const before = this.#staged.get(id)
    if (before !== undefined && !(before.kind === 'put' && before.isFound === true)) return
    if (doc.id !== id) {
      throw new InvalidArgumentError(
        'doc',
        `${describeDocument(this.#collection.name, id)} has another id now. An id never changes: store a new document.`,
      )
    }
    const body = this.#body(toBody(this.#collection, doc))
    this.#staged.set(id, { kind: 'put', id, body, expectation: this.#expect(id, undefined), isFound: true })
  }

  /** A failure is reported by saveChanges, which awaits it; without a handler until then it would end the process. */
  #body(body: DocumentBody | Promise<DocumentBody>): DocumentBody | Promise<DocumentBody> {
    if (body instanceof Promise) body.catch(() => undefined)
    return body
  }

  #patch(id: string, build: PatchBuild<never>, options: ChangeOptions): void {
    checkDocumentId(id)
    const expectation = this.#expect(id, checkExpected(options.expected, 1))
    const operations = toOperations(build)
    const before = this.#staged.get(id)
    if (before?.kind === 'delete') {
      throw new InvalidStateError(
        `patch: ${describeDocument(this.#collection.name, id)} is staged to be deleted in this session.`,
      )
    }
    if (before?.kind === 'put') this.#staged.set(id, this.#patchedPut(before, operations, expectation))
    else
      this.#staged.set(id, {
        kind: 'patch',
        id,
        operations: [...(before?.operations ?? []), ...operations],
        expectation,
      })
  }

  #patchedPut(before: StagedPut, operations: StagedPatch['operations'], expectation: Expectation): StagedPut {
    const address = { collection: this.#collection.name, id: before.id }
    const again = (body: DocumentBody): DocumentBody | Promise<DocumentBody> =>
      toBody(this.#collection, patched(address, body.doc, operations))
    const body = before.body instanceof Promise ? before.body.then(again) : again(before.body)
    return { kind: 'put', id: before.id, body: this.#body(body), expectation }
  }

  #delete(id: string, options: ChangeOptions): void {
    checkDocumentId(id)
    const expectation = this.#expect(id, checkExpected(options.expected, 1))
    const before = this.#staged.get(id)
    this.#tracked.forget(id)
    if (before?.kind === 'put' && this.#expectedBy(before) === 0) this.#staged.delete(id)
    else this.#staged.set(id, { kind: 'delete', id, expectation })
  }

  #evict(id: string): void {
    checkDocumentId(id)
    this.#staged.delete(id)
    this.#identities.forget(id)
    this.#tracked.forget(id)
  }

  #read(ids: readonly string[]): Promise<ReadonlyMap<string, Loaded>> {
    const collection = this.#collection
    const call = { kind: 'read', operation: 'load', scope: this.#scope, count: ids.length } as const
    return execute(call, (executor) => readLoaded({ collection, executor }, ids))
  }

  /** What the caller says, else what an operation that this one replaces was told. */
  #expect(id: string, expected: number | undefined): Expectation {
    if (expected !== undefined) return { version: expected }
    return this.#staged.get(id)?.expectation ?? { version: undefined }
  }

  /**
   * Asked when it is sent: the save of an earlier operation may have made a newer version known. A patch builds on
   * whatever is there, and expects only what it was told.
   */
  #expectedBy(operation: StagedOperation): number | undefined {
    const known = operation.kind === 'patch' ? undefined : this.#identities.known(operation.id)?.version
    return operation.expectation.version ?? known
  }

  #item(operation: StagedOperation): BatchItem | Promise<BatchItem> {
    const { id } = operation
    const common = { collection: this.#collection, id, expected: this.#expectedBy(operation) }
    // After a load that found nothing, a delete expects 0: no row has it, and what is there now is reported.
    if (operation.kind === 'delete') return { ...common, kind: 'delete', operation: 'delete' }
    if (operation.kind === 'patch') {
      return { ...common, kind: 'patch', operation: 'patch', operations: operation.operations }
    }
    const toItem = (body: DocumentBody): BatchItem => ({ ...common, kind: 'put', operation: 'store', body })
    return operation.body instanceof Promise
      ? settledBody(operation, operation.body).then(toItem)
      : toItem(operation.body)
  }

  #committed(operation: StagedOperation, item: BatchItem, { version }: BatchResult): void {
    // What was staged during the save stays, and builds on the version that the save has made.
    const { id } = operation
    if (this.#staged.get(id) === operation) this.#staged.delete(id)
    operation.expectation.version = undefined
    if (item.kind === 'delete') this.#identities.set(id, absent)
    else if (item.kind === 'put') this.#remember(operation as StagedPut, item.body, version)
    // What the patch has made of the document is known to the database alone.
    else this.#forgetBase(id)
  }

  #forgetBase(id: string): void {
    this.#identities.forget(id)
    this.#tracked.forget(id)
  }

  #remember(operation: StagedPut, { json, doc }: DocumentBody, version: number): void {
    const { id } = operation
    const own = operation.isFound === true ? this.#tracked.get(id) : undefined
    if (own === undefined) this.#tracked.forget(id)
    else this.#tracked.saved(id, json)
    // An object that is changed in place stays the session's own.
    this.#identities.set(id, { version, doc: own ?? doc })
  }
}

async function settledBody(operation: StagedPut, promise: Promise<DocumentBody>): Promise<DocumentBody> {
  const body = await promise
  if (body.id === operation.id) return body
  throw new InvalidArgumentError('doc', 'An asynchronous schema must leave the id of a staged document as it is.')
}
