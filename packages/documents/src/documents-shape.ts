import type { ModuleShape, StandardSchemaV1 } from '@rillflow/core'
import type { Collection } from './collections/define-collection.js'
import type { DocumentCollection } from './document-collection.js'
import type { DocumentSession, SavedDocument } from './session/document-session.js'

/** The collections of a module under the names that the user gives them. */
export type CollectionRecord = Readonly<Record<string, Collection>>

type Output<Definition extends Collection> = StandardSchemaV1.InferOutput<Definition['schema']>
type Input<Definition extends Collection> = StandardSchemaV1.InferInput<Definition['schema']>

/** Every collection on a store or in a transaction. */
export type Documents<Collections extends CollectionRecord> = {
  readonly [Key in keyof Collections]: DocumentCollection<Output<Collections[Key]>, Input<Collections[Key]>>
}

/** Every collection in a session. */
export type SessionDocuments<Collections extends CollectionRecord> = {
  readonly [Key in keyof Collections]: DocumentSession<Output<Collections[Key]>, Input<Collections[Key]>>
}

/** What the module adds to a store. */
export interface DocumentsShape<Collections extends CollectionRecord = CollectionRecord> extends ModuleShape {
  readonly store: Documents<Collections>
  readonly transaction: Documents<Collections>
  readonly session: SessionDocuments<Collections>
  readonly saved: readonly SavedDocument[]
}
