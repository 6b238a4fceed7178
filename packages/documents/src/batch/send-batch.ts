import { safeInteger, SerializationFailureError, VersionConflictError, type RillflowError } from '@rillflow/core'
import { DocumentDeletedError, DocumentNotFoundError, PatchRefusedError } from '../errors.js'
import { writeIdOf, type Executor } from '../operations/executor.js'
import { settleWrites } from '../operations/known-outcome.js'
import type { SettledWrite } from '../operations/lost-writes.js'
import { toRefused } from '../operations/patch-document.js'
import type { ChangeRequest } from '../operations/refuse-change.js'
import { namingUniqueConflicts } from '../operations/unique-conflict.js'
import { deleteDocuments } from '../sql/delete-documents.js'
import { patchDocuments } from '../sql/patch-documents.js'
import { writeDocuments, type BatchRow } from '../sql/write-documents.js'
import type { BatchItem } from './batch-item.js'

/** What became of one document of a batch. */
export interface BatchResult {
  readonly id: string
  readonly version: number
  /** False when a patch found everything as it would have it. */
  readonly changed: boolean
}

/** An item has its result or its own error; the others are not disturbed. */
export type BatchOutcome = BatchResult | RillflowError

/** An insert that others insert and purge at the same time is not tried more often than that. */
const maxRuns = 5

const statements = { put: writeDocuments, delete: deleteDocuments, patch: patchDocuments }

/**
 * Writes items of one kind by one statement, and gives an outcome for each, in order. A document must stand among them
 * once.
 *
 * On the store, an item whose answer never came has what was found out of it: its result, `ConnectionLost` when nothing
 * of it is stored, else `CommitOutcomeUnknown`.
 *
 * @throws UniqueConflict, and whatever else ends the statement as a whole: then nothing of it is written.
 */
export async function sendBatch(executor: Executor, items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
  try {
    return await sendRuns(executor, items)
  } catch (error) {
    const settled = await settleWrites(executor, items.map(toRequest), error)
    return items.map(({ id }, place) => {
      const version = settled[place] as SettledWrite
      return typeof version === 'number' ? { id, version, changed: true } : version
    })
  }
}

async function sendRuns(executor: Executor, items: readonly BatchItem[]): Promise<readonly BatchOutcome[]> {
  const outcomes: BatchOutcome[] = []
  let left = items.map((item, place) => ({ item, place }))
  for (let run = 1; left.length > 0; run += 1) {
    const sent = left
    const rows = await send(
      executor,
      sent.map(({ item }) => item),
    )
    left = []
    for (const row of rows) {
      const entry = sent[row[0] - 1] as (typeof sent)[number]
      if (row[1] === 'raced' && run < maxRuns) left.push(entry)
      else outcomes[entry.place] = toOutcome(entry.item, row)
    }
  }
  return outcomes
}

async function send(executor: Executor, items: readonly BatchItem[]): Promise<readonly BatchRow[]> {
  const kind = items[0]?.kind ?? 'put'
  const statement = statements[kind](executor.schema, [`[${items.map(encode).join(',')}]`, writeIdOf(executor)])
  const collections = [...new Set(items.map(({ collection }) => collection))]
  return (await namingUniqueConflicts(collections, () => executor.query<BatchRow>(statement))).rows
}

function encode(item: BatchItem): string {
  const collection = JSON.stringify(item.collection.name)
  const expected = item.expected ?? 'null'
  if (item.kind === 'put') return `[${collection},${item.body.json},${expected}]`
  const operations = item.kind === 'patch' ? `,${JSON.stringify(item.operations)}` : ''
  return `[${collection},${JSON.stringify(item.id)},${expected}${operations}]`
}

function toRequest({ operation, collection, id, expected }: BatchItem): ChangeRequest {
  return { operation, collection: collection.name, id, expected }
}

function toOutcome(item: BatchItem, [, status, version, refused]: BatchRow): BatchOutcome {
  const address = { collection: item.collection.name, id: item.id }
  const actual = (): number => safeInteger(version ?? '0', 'version')
  switch (status) {
    case 'written':
    case 'unchanged':
      return { id: item.id, version: actual(), changed: status === 'written' }
    case 'deleted':
      return new DocumentDeletedError(item.operation, address)
    case 'refused':
      return new PatchRefusedError({ ...address, ...toRefused(refused as string) })
    case 'raced':
      return racedTooOften(item)
    case 'missing':
      // To a put that expects a version, a missing document is one at version 0.
      return item.kind === 'put' ? conflict(item, 0) : new DocumentNotFoundError(item.operation, address)
    case 'conflict':
      return conflict(item, actual())
  }
}

function conflict({ collection, id, expected }: BatchItem, actual: number): VersionConflictError {
  return new VersionConflictError({
    subject: 'document',
    collection: collection.name,
    id,
    expected: expected ?? 0,
    actual,
  })
}

function racedTooOften({ operation }: BatchItem): RillflowError {
  return new SerializationFailureError(`${operation} met inserts of the same document again and again.`, undefined)
}
