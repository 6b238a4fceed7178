export type { BulkOutcome, BulkResult } from './batch/bulk.js'
export {
  defineCollection,
  type Collection,
  type CollectionOptions,
  type DocumentSchema,
} from './collections/define-collection.js'
export type { FieldOf, FieldValue } from './collections/field-types.js'
export {
  fullText,
  gin,
  index,
  type FieldIndex,
  type FullTextIndex,
  type GinIndex,
  type IndexDefinition,
  type IndexOptions,
} from './collections/index-definition.js'
export type { TextSearchLanguage } from './collections/text-search.js'

export type {
  CallOptions,
  ChangeOptions,
  DocumentCollection,
  FindOptions,
  PatchOptions,
  PurgeOptions,
  PutManyOptions,
  PutOptions,
} from './document-collection.js'
export type { CollectionRecord, Documents, DocumentsShape, SessionDocuments } from './documents-shape.js'
export type { DocumentsOptions } from './documents-options.js'
export { documents } from './documents.js'
export {
  AbortedError,
  DocumentDeletedError,
  DocumentNotDeletedError,
  DocumentNotFoundError,
  NotSingleError,
  OverloadedError,
  PatchRefusedError,
  UniqueConflictError,
} from './errors.js'
export type { PatchedDocument } from './operations/patch-document.js'
export type { WrittenDocument } from './operations/write-document.js'

export type { Patch, PatchBuild } from './patch/patch.js'
export type { PatchKind, PatchRefusal } from './patch/patch-operation.js'
export type { Place, ValueAt } from './patch/patch-types.js'

export type { IndexAdvice } from './query/advise-indexes.js'
export { avg, count, max, min, sum, type Aggregate, type Aggregated, type AggregateSpec } from './query/aggregates.js'
export { compileQuery, type CompiledQuery, type Params } from './query/compiled-query.js'
export { and, not, or, type Combined, type Condition, type Filter } from './query/condition.js'
export type { Explanation } from './query/explain-query.js'
export {
  between,
  contains,
  exists,
  gt,
  gte,
  ilike,
  lt,
  lte,
  ne,
  oneOf,
  regex,
  search,
  startsWith,
  type NumberRange,
  type Operator,
  type TextRange,
} from './query/operators.js'
export type { Operand, Param } from './query/param.js'
export type { Grouping, OrderOptions, Page, Query, Selected } from './query/query.js'
export { field, sql, type FieldReference, type SqlFragment, type SqlValue } from './query/sql-fragment.js'

export { documentsModule, type DocumentsService, type StoredAs } from './service/documents-service.js'
export type { LoadRequest } from './service/load-many.js'
export type { WriteRequest } from './service/write-many.js'

export type { DocumentSession, LoadOptions, SavedDocument } from './session/document-session.js'
export type { StoredDocument } from './stored-document.js'
export type { ImportOptions, ImportProgress } from './transfer/progress.js'
