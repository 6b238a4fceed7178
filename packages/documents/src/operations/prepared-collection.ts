import type { DeclaredIndex, Statement } from '@rillflow/core'
import { declareIndex } from '../collections/declare-index.js'
import type { Collection, DocumentSchema } from '../collections/define-collection.js'
import { findStatements, type FindQuery } from '../sql/find-documents.js'

/** A collection with everything that is made of its definition once. */
export interface PreparedCollection {
  readonly name: string
  readonly schema: DocumentSchema
  readonly indexes: readonly DeclaredIndex[]
  /** The fields of each unique index, by the name that a violation reports. */
  readonly uniqueFields: ReadonlyMap<string, readonly string[]>
  find(schema: string, query: FindQuery): Statement
}

/** Prepares a collection for use. */
export function prepareCollection(collection: Collection): PreparedCollection {
  const declared = collection.indexes.map((index) => ({ index, made: declareIndex(collection.name, index) }))
  return {
    name: collection.name,
    schema: collection.schema,
    indexes: declared.map(({ made }) => made),
    uniqueFields: new Map(
      declared.filter(({ index }) => index.unique).map(({ index, made }) => [made.name, index.fields]),
    ),
    find: findStatements(collection.name, collection.indexes),
  }
}
