import { fromDriverError, isRillflowError, isUndone, type RillflowError } from '@rillflow/core'
import { loneWrite, type Executor } from '../operations/executor.js'
import { cutItems, type BatchItem } from './batch-item.js'
import { sendBatch, type BatchOutcome } from './send-batch.js'

/** What became of one document of a bulk call: the version that it has, or why it was not written. */
export interface BulkOutcome {
  /** Undefined for a document without one. */
  readonly id: string | undefined
  readonly version: number | undefined
  /** False when nothing was written: for an error, or a patch that found everything as it would have it. */
  readonly changed: boolean
  readonly error: RillflowError | undefined
}

/** What became of a bulk call. */
export interface BulkResult {
  /** One for each document given, in order. */
  readonly outcomes: readonly BulkOutcome[]
  /** How many were not written for an error. */
  readonly failed: number
}

/** An item, or the error that it never became one for. */
export type Prepared = { readonly item: BatchItem } | { readonly id: string | undefined; readonly error: RillflowError }

/**
 * Writes many documents by few statements; each item has its own outcome. On the store a statement that fails as a whole
 * is cut in halves until the item is found that it fails for; inside a transaction, which it ends, it is thrown.
 */
export async function sendBulk(executor: Executor, prepared: readonly Prepared[]): Promise<BulkResult> {
  const outcomes: BulkOutcome[] = []
  const items: { readonly item: BatchItem; readonly place: number }[] = []
  for (const [place, each] of prepared.entries()) {
    if ('item' in each) items.push({ item: each.item, place })
    else outcomes[place] = { id: each.id, version: undefined, changed: false, error: each.error }
  }
  for (const part of cutItems(items)) {
    const settled = await sendPart(
      executor,
      part.map(({ item }) => item),
    )
    for (const [at, { item, place }] of part.entries()) outcomes[place] = toBulk(item, settled[at] as BatchOutcome)
  }
  return { outcomes, failed: outcomes.filter(({ error }) => error !== undefined).length }
}

async function sendPart(executor: Executor, items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
  const { alone } = executor
  try {
    // Each statement leaves a mark of its own: a document may stand in several parts.
    return await sendBatch({ ...executor, alone: alone && loneWrite(alone.lostWrites) }, items)
  } catch (error) {
    if (alone === undefined || !isUndone(error)) throw error
    if (items.length === 1) return [fromDriverError(error, (items[0] as BatchItem).operation)]
    const middle = Math.ceil(items.length / 2)
    const first = await sendPart(executor, items.slice(0, middle))
    return [...first, ...(await sendPart(executor, items.slice(middle)))]
  }
}

function toBulk({ id }: BatchItem, outcome: BatchOutcome): BulkOutcome {
  if (isRillflowError(outcome)) return { id, version: undefined, changed: false, error: outcome }
  return { id, version: outcome.version, changed: outcome.changed, error: undefined }
}
