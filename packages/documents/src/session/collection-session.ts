import { InvalidArgumentError, type Scope } from '@rillflow/core'
import { checkDocumentId } from '../collections/check-names.js'
import type { ChangeOptions, PutOptions } from '../document-collection.js'
import { removeDocument } from '../operations/change-document.js'
import { toBody, type AnyDocument, type DocumentBody } from '../operations/document-body.js'
import { execute, type Executor } from '../operations/executor.js'
import { checkExpected } from '../operations/expected-version.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { readStoredDocument } from '../operations/read-document.js'
import { writeDocument } from '../operations/write-document.js'
import type { DocumentSession } from './document-session.js'
import { IdentityMap, type Loaded } from './identity-map.js'
import type { Expectation, StagedOperation, StagedPut } from './staged-operation.js'

/** One staged operation on its way into a transaction. */
export interface PendingWrite {
  readonly collection: string
  readonly id: string
  /** Set while an asynchronous schema is at work; the write can be sent after it. */
  readonly ready: Promise<unknown> | undefined
  send(executor: Executor): Promise<WriteOutcome>
  /** The transaction has committed: lets go of the operation and remembers what it wrote. */
  committed(outcome: WriteOutcome): void
}

/** What a write made: the version of the row, and what the session knows of the document from now on. */
export interface WriteOutcome {
  readonly version: number
  readonly loaded: Loaded
}

/** Loaded as missing, or deleted by this session. */
const absent: Loaded = { version: 0, doc: undefined }

/** One collection of one session. */
export class CollectionSession {
  readonly #collection: PreparedCollection
  readonly #scope: Scope
  readonly #staged = new Map<string, StagedOperation>()
  readonly #identities = new IdentityMap()

  readonly api: DocumentSession<AnyDocument, unknown> = {
    load: (id) => this.#load(id),
    store: (doc, options = {}) => this.#store(doc, options),
    delete: (id, options = {}) => this.#delete(id, options),
  }

  constructor(collection: PreparedCollection, scope: Scope) {
    this.#collection = collection
    this.#scope = scope
  }

  get pending(): number {
    return this.#staged.size
  }

  /** The staged operations as they are now. */
  writes(): readonly PendingWrite[] {
    return [...this.#staged.values()].map((operation) => ({
      collection: this.#collection.name,
      id: operation.id,
      ready: operation.kind === 'put' && operation.body instanceof Promise ? operation.body : undefined,
      send: (executor) => this.#send(operation, executor),
      committed: ({ loaded }) => this.#committed(operation, loaded),
    }))
  }

  clear(): void {
    this.#staged.clear()
    this.#identities.clear()
  }

  async #load(id: string): Promise<AnyDocument | undefined> {
    checkDocumentId(id)
    const loaded = this.#staged.has(id) ? absent : await this.#identities.load(id, () => this.#read(id))
    // Looked up after the wait: work may have been staged, or saved, while the document was on its way.
    const staged = this.#staged.get(id)
    if (staged === undefined) return (this.#identities.known(id) ?? loaded).doc
    return staged.kind === 'delete' ? undefined : (await staged.body).doc
  }

  #store(doc: unknown, options: PutOptions): void {
    const expected = checkExpected(options.expected, 0)
    const body = toBody(this.#collection, doc)
    // It is reported by saveChanges, which awaits it; without a handler until then it would end the process.
    if (body instanceof Promise) body.catch(() => undefined)
    const id = body instanceof Promise ? checkDocumentId((doc as { readonly id?: unknown } | null)?.id) : body.id
    this.#staged.set(id, { kind: 'put', id, body, expectation: this.#expect(id, expected) })
  }

  #delete(id: string, options: ChangeOptions): void {
    checkDocumentId(id)
    const expectation = this.#expect(id, checkExpected(options.expected, 1))
    const before = this.#staged.get(id)
    if (before?.kind === 'put' && this.#expectedBy(before) === 0) this.#staged.delete(id)
    else this.#staged.set(id, { kind: 'delete', id, expectation })
  }

  async #read(id: string): Promise<Loaded> {
    const collection = this.#collection
    const stored = await execute({ kind: 'read', operation: 'load', scope: this.#scope, alone: true }, (executor) =>
      readStoredDocument({ collection, executor }, id),
    )
    if (stored === undefined || stored.deletedAt !== undefined) return absent
    return { version: stored.version, doc: stored.doc }
  }

  /** What the caller says, else what an operation that this one replaces was told. */
  #expect(id: string, expected: number | undefined): Expectation {
    if (expected !== undefined) return { version: expected }
    return this.#staged.get(id)?.expectation ?? { version: undefined }
  }

  /** Asked when it is sent: the save of an earlier operation may have made a newer version known. */
  #expectedBy(operation: StagedOperation): number | undefined {
    return operation.expectation.version ?? this.#identities.known(operation.id)?.version
  }

  async #send(operation: StagedOperation, executor: Executor): Promise<WriteOutcome> {
    const target = { collection: this.#collection, executor }
    const expected = this.#expectedBy(operation)
    if (operation.kind === 'delete') {
      // After a load that found nothing, 0 is expected: no row has it, and what is there now is reported.
      const { version } = await removeDocument({ ...target, id: operation.id, expected })
      return { version, loaded: absent }
    }
    const body = operation.body instanceof Promise ? await settledBody(operation, operation.body) : operation.body
    const { version } = await writeDocument({ ...target, operation: 'store', body, expected })
    return { version, loaded: { version, doc: body.doc } }
  }

  #committed(operation: StagedOperation, loaded: Loaded): void {
    // What was staged during the save stays, and builds on the version that the save has made.
    if (this.#staged.get(operation.id) === operation) this.#staged.delete(operation.id)
    operation.expectation.version = undefined
    this.#identities.set(operation.id, loaded)
  }
}

async function settledBody(operation: StagedPut, promise: Promise<DocumentBody>): Promise<DocumentBody> {
  const body = await promise
  if (body.id === operation.id) return body
  throw new InvalidArgumentError('doc', 'An asynchronous schema must leave the id of a staged document as it is.')
}
