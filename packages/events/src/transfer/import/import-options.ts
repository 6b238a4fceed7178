import { InvalidArgumentError } from '@rillflow/core'
import { checkText } from '../../append/check-text.js'
import { checkCount } from '../../read/read-options.js'

/** How events are imported. */
export interface ImportOptions {
  /**
   * Makes the import resumable: how far it came is stored with each batch under this name, and a run with the same name
   * and source goes on there. The source must give the same events in the same order; what is stored already is stepped
   * over.
   */
  readonly name?: string | undefined
  /**
   * Checks types and data as an append does. True unless told. False is for events that were valid when they were stored,
   * as those of an export: their data is stored as it is, and a type that no family has needs a `category` beside it.
   */
  readonly validate?: boolean | undefined
  /**
   * `skip` also imports events of types that are projected inline, which are refused otherwise: an import projects nothing.
   * Rebuild those projections afterwards.
   */
  readonly inline?: 'skip' | undefined
  /** The most events in a transaction; 5,000 unless told. About 8 MiB end a batch too. */
  readonly batchSize?: number | undefined
  /** Ends the import between two batches; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called after the commit of each batch, and once more at the end. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
}

/** Says whether events of unknown types are validated. */
export interface UntypedImportOptions extends ImportOptions {
  readonly validate: boolean
}

/** What an import has stored. */
export interface ImportResult {
  /** How many events this run has stored. */
  readonly events: number
  /** How many rows of the source were stepped over, because an earlier run of this name has stored them. */
  readonly skipped: number
  /** How many streams this run has begun. */
  readonly streams: number
  /** The position of the last event that this run has stored; undefined when there is none. */
  readonly position: number | undefined
}

/** How far an import is. */
export interface ImportProgress extends ImportResult {
  /** False after a batch, true at the end. */
  readonly done: boolean
}

/** Larger batches are no faster, and hold the head of the feed longer. */
const maxBatchSize = 100_000

/**
 * Refuses options that do not fit.
 *
 * @throws InvalidArgument
 */
export function checkImportOptions(options: ImportOptions): void {
  const { name, batchSize, inline } = options
  if (name !== undefined) checkText('name', name)
  if (inline !== undefined && inline !== 'skip')
    throw new InvalidArgumentError('inline', "inline must be 'skip', or left out.")
  checkCount('batchSize', batchSize, 1)
  if (batchSize !== undefined && batchSize > maxBatchSize)
    throw new InvalidArgumentError('batchSize', `batchSize must be at most ${maxBatchSize}.`)
}
