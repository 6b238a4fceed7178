export {
  defineCollection,
  type Collection,
  type CollectionOptions,
  type DocumentSchema,
} from './collections/define-collection.js'
export type { FieldOf, FieldValue, Filter } from './collections/field-types.js'
export { index, type IndexDefinition, type IndexOptions } from './collections/index-definition.js'

export type { ChangeOptions, DocumentCollection, FindOptions, PutOptions } from './document-collection.js'
export type { CollectionRecord, Documents, DocumentsShape, SessionDocuments } from './documents-shape.js'
export { documents } from './documents.js'
export { DocumentDeletedError, DocumentNotFoundError, UniqueConflictError } from './errors.js'
export type { WrittenDocument } from './operations/write-document.js'
export type { DocumentSession, SavedDocument } from './session/document-session.js'
export type { StoredDocument } from './stored-document.js'
