import { RillflowError } from '@rillflow/core'
import { describeDocument, quote } from './describe-document.js'

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

/** Another document of the collection has the same value in fields that a unique index covers. */
export class UniqueConflictError extends RillflowError<'UniqueConflict'> {
  readonly collection: string
  /** The fields of the index, dotted as they were declared. */
  readonly fields: readonly string[]

  constructor(options: { collection: string; fields: readonly string[]; cause: unknown }) {
    const { collection, fields, cause } = options
    super(
      `Another document of ${quote(collection)} has the same ${fields.map(quote).join(', ')}, which its index keeps ` +
        'unique. Store another value, or change the other document first.',
      { code: 'UniqueConflict', cause },
    )
    this.collection = collection
    this.fields = fields
  }
}
