import type { TurnOptions } from '../database/take-turn.js'
import type { OpenSchema } from '../open-schema.js'
import type { Proofs } from '../steps/index-condition.js'

/** One call of sync. */
export interface SyncJob {
  readonly open: OpenSchema
  readonly options: TurnOptions & { readonly createSchema?: boolean | undefined }
  /** By which its claims are told from those of others. */
  readonly builder: string
  /** What is known of the indexes that carry no mark; it grows. */
  proofs: Proofs
}
