import { encodeJson, InvalidArgumentError, validate } from '@rillflow/core'
import { checkDocumentId } from '../collections/check-names.js'
import { describeDocument, quote } from '../describe-document.js'
import type { PreparedCollection } from './prepared-collection.js'

/** The least that every document has. */
export interface AnyDocument {
  readonly id: string
}

/** A document that fits its schema and its column: ready to be written. */
export interface DocumentBody {
  readonly id: string
  /** What the schema made of the value given. */
  readonly doc: AnyDocument
  readonly json: string
}

/**
 * Validates and encodes a document; at once, unless its schema is an asynchronous one.
 *
 * @throws ValidationFailed, UnstorableValue, InvalidArgument for an id that does not fit.
 */
export function toBody(collection: PreparedCollection, value: unknown): DocumentBody | Promise<DocumentBody> {
  const valid = validate(collection.schema, value, describe(collection, value))
  return valid instanceof Promise ? valid.then((doc) => encode(doc)) : encode(valid)
}

function encode(doc: AnyDocument): DocumentBody {
  if (typeof doc !== 'object' || doc === null) {
    throw new InvalidArgumentError('doc', 'A document must be an object with an id.')
  }
  return { id: checkDocumentId(doc.id), doc, json: encodeJson(doc) }
}

function describe(collection: PreparedCollection, value: unknown): string {
  const id = (value as { readonly id?: unknown } | null | undefined)?.id
  return typeof id === 'string' ? describeDocument(collection.name, id) : `document of ${quote(collection.name)}`
}
