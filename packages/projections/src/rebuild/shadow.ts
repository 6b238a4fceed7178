import type { TransactionScope } from '@rillflow/core'
import { collectionOf, tablesOf, type AnyProjection } from '../definition/any-projection.js'
import type { DocumentsLike } from '../targets/documents-like.js'
import { makeShadowTable, swapShadowTable } from './shadow-tables.js'

/** What a projection writes, made anew beside what readers see. */
export interface Shadow {
  /** Begins with nothing. */
  make(scope: TransactionScope): Promise<void>
  /** Puts it in the place of what readers see. */
  swap(scope: TransactionScope): Promise<void>
}

/** The shadow of a projection; of its collection, or of its tables. */
export function shadowOf(projection: AnyProjection, documents: DocumentsLike | undefined): Shadow {
  const collection = collectionOf(projection)
  // Whether the store has the documents of a collection was checked when it was made.
  if (collection !== undefined) return ofCollection(documents as DocumentsLike, collection)
  const tables = tablesOf(projection).toSorted()
  const each = (what: typeof makeShadowTable) => async (scope: TransactionScope) => {
    for (const table of tables) await what(scope, table)
  }
  return { make: each(makeShadowTable), swap: each(swapShadowTable) }
}

function ofCollection(documents: DocumentsLike, collection: string): Shadow {
  return {
    make: (scope) => documents.clearShadow(scope, collection),
    swap: (scope) => documents.swapShadow(scope, collection),
  }
}
