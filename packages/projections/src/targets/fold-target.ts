import type { TransactionScope } from '@rillflow/core'
import type { Changes } from '../fold/fold-events.js'

/** Where a projection is written: to what readers see, or beside it while it is rebuilt. */
export interface WriteTarget {
  readonly shadow: boolean
}

/** Where the documents of a fold are kept. */
export interface FoldTarget {
  /** Makes it ready for one batch. */
  open(scope: TransactionScope, target: WriteTarget): Promise<OpenTarget>
}

/** The same inside one transaction. */
export interface OpenTarget {
  /** The documents that are there, by key; held in the order of the keys, unless told otherwise. */
  load(keys: readonly string[], hold: boolean): Promise<ReadonlyMap<string, unknown>>
  /** What is stored of a document, as it will be read back; a promise only where the schema gives one. */
  settle(key: string, doc: object): unknown
  write(changes: Changes): Promise<void>
}
