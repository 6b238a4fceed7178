import type { ModuleKey, ModuleShape, TransactionScope } from '@rillflow/core'
import type { Changes } from '../fold/fold-events.js'

/** Where documents are kept, as `@rillflow/documents` takes it. */
interface StoredAs {
  readonly collection: string
  readonly stored: string
}

/** What `@rillflow/documents` lends, as far as it is used here. By its shape: a store without documents has it not. */
export interface DocumentsLike {
  has(collection: string): boolean
  shadowOf(collection: string): string
  validate(collection: string, id: string, doc: unknown): unknown
  load(
    scope: TransactionScope,
    from: StoredAs & { readonly ids: readonly string[]; readonly hold: boolean },
  ): Promise<ReadonlyMap<string, unknown>>
  write(scope: TransactionScope, to: StoredAs & Changes): Promise<void>
  clearShadow(scope: TransactionScope, collection: string): Promise<void>
  swapShadow(scope: TransactionScope, collection: string): Promise<void>
}

/** The documents of a store. */
export const documentsModule: ModuleKey<ModuleShape, DocumentsLike> = { name: '@rillflow/documents' }
