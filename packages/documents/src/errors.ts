import { formatPath, RillflowError, type ValuePath } from '@rillflow/core'
import { describeDocument, quote } from './describe-document.js'
import type { PatchKind, PatchRefusal } from './patch/patch-operation.js'

export { AbortedError, OverloadedError } from '@rillflow/core'

interface DocumentAddress {
  readonly collection: string
  readonly id: string
}

/** The document has never been stored in this collection. */
export class DocumentNotFoundError extends RillflowError<'DocumentNotFound'> {
  readonly collection: string
  readonly id: string

  /** @param operation what was being done: `update`, `delete`. */
  constructor(operation: string, { collection, id }: DocumentAddress) {
    super(`${operation}: there is no ${describeDocument(collection, id)}. Check the id, or put the document first.`, {
      code: 'DocumentNotFound',
    })
    this.collection = collection
    this.id = id
  }
}

/** The document is soft-deleted: it is there, and nothing but `restore` may touch it. */
export class DocumentDeletedError extends RillflowError<'DocumentDeleted'> {
  readonly collection: string
  readonly id: string

  /** @param operation what was being done: `put`, `update`, `delete`. */
  constructor(operation: string, { collection, id }: DocumentAddress) {
    super(`${operation}: ${describeDocument(collection, id)} is deleted. Restore it first, or use another id.`, {
      code: 'DocumentDeleted',
    })
    this.collection = collection
    this.id = id
  }
}

/** The document is live: only a soft-deleted one is purged without `force`. */
export class DocumentNotDeletedError extends RillflowError<'DocumentNotDeleted'> {
  readonly collection: string
  readonly id: string

  constructor({ collection, id }: DocumentAddress) {
    super(
      `purge: ${describeDocument(collection, id)} is not deleted, and would be lost for good. ` +
        'Delete it first, or purge it with force: true.',
      { code: 'DocumentNotDeleted' },
    )
    this.collection = collection
    this.id = id
  }
}

/** Another document of the collection has the same value in fields that a unique index covers. */
export class UniqueConflictError extends RillflowError<'UniqueConflict'> {
  readonly collection: string
  /** The fields of the index, dotted as they were declared. */
  readonly fields: readonly string[]
  /** The name of the index in the database. */
  readonly index: string

  constructor(options: { collection: string; fields: readonly string[]; index: string; cause: unknown }) {
    const { collection, fields, index, cause } = options
    super(
      `Another document of ${quote(collection)} has the same ${fields.map(quote).join(', ')}, which its index keeps ` +
        'unique. Store another value, or change the other document first.',
      { code: 'UniqueConflict', cause },
    )
    this.collection = collection
    this.fields = fields
    this.index = index
  }
}

const refusals: Readonly<Record<PatchRefusal, string>> = {
  notContainer: 'a value stands there that has no parts',
  notArray: 'no array stands there',
  notIndex: 'an array stands there, whose elements have no names',
  notObject: 'elements of an array have no names',
  notNumber: 'no number stands there',
  outOfRange: 'the array has no such element, and it is not the place behind the last one',
  exists: 'the object has a property of the new name already',
  overflow: 'the sum is beyond what a number can hold',
}

/** An operation of a patch does not fit the document as it is; nothing of the patch was applied. */
export class PatchRefusedError extends RillflowError<'PatchRefused'> {
  readonly collection: string
  readonly id: string
  /** Which operation it was. */
  readonly operation: PatchKind
  /** The path up to where it did not fit. */
  readonly path: ValuePath
  readonly reason: PatchRefusal

  constructor(options: DocumentAddress & { kind: PatchKind; path: ValuePath; reason: PatchRefusal }) {
    const { collection, id, kind, path, reason } = options
    super(
      `patch: ${kind} at ${formatPath(path)} does not fit ${describeDocument(collection, id)}: ${refusals[reason]}. ` +
        'Nothing of the patch was applied.',
      { code: 'PatchRefused' },
    )
    this.collection = collection
    this.id = id
    this.operation = kind
    this.path = path
    this.reason = reason
  }
}

/** A query that must find one document found none, or several. */
export class NotSingleError extends RillflowError<'NotSingle'> {
  readonly collection: string
  readonly found: 'none' | 'several'

  constructor(collection: string, found: 'none' | 'several') {
    super(
      `The query must find one document of ${quote(collection)} and found ${found}. ` +
        (found === 'none' ? 'Use optional() where there may be none.' : 'Use first() where there may be several.'),
      { code: 'NotSingle' },
    )
    this.collection = collection
    this.found = found
  }
}
