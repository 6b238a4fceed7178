import type { DeclaredIndex } from '@rillflow/core'
import { declareIndex } from '../collections/declare-index.js'
import type { Collection, DocumentSchema } from '../collections/define-collection.js'
import type { IndexDefinition } from '../collections/index-definition.js'
import { Fields } from '../query/fields.js'
import { QueryTexts } from '../query/query-texts.js'
import { Usage } from '../query/usage.js'

/** A declared index, and what is made of it. */
export interface PreparedIndex {
  readonly index: IndexDefinition
  readonly made: DeclaredIndex
}

/** A collection with everything that is made of its definition once. */
export interface PreparedCollection {
  readonly name: string
  readonly schema: DocumentSchema
  readonly validateReads: boolean
  readonly declared: readonly PreparedIndex[]
  /** The fields of each unique index, by the name that a violation reports. */
  readonly uniqueFields: ReadonlyMap<string, readonly string[]>
  readonly fields: Fields
  readonly texts: QueryTexts
  readonly usage: Usage
}

/** Prepares a collection for use. */
export function prepareCollection(collection: Collection): PreparedCollection {
  const { name, schema, validateReads, indexes } = collection
  const declared = indexes.map((index) => ({ index, made: declareIndex(name, index) }))
  return {
    name,
    schema,
    validateReads,
    declared,
    uniqueFields: new Map(
      declared.filter(({ index }) => index.unique).map(({ index, made }) => [made.name, index.fields]),
    ),
    fields: new Fields(indexes),
    texts: new QueryTexts(),
    usage: new Usage(),
  }
}
