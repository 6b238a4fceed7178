import { isRillflowError, safeInteger, SerializationFailureError } from '@rillflow/core'
import { DocumentDeletedError } from '../errors.js'
import type { ChangeRow } from '../sql/change-document.js'
import { insertDocument } from '../sql/insert-document.js'
import { putDocument, type PutRow } from '../sql/put-document.js'
import { replaceDocument } from '../sql/replace-document.js'
import type { DocumentBody } from './document-body.js'
import type { PreparedCollection } from './prepared-collection.js'
import { writeIdOf, type Executor } from './executor.js'
import { knowingOutcome } from './known-outcome.js'
import { refuseChange, versionConflict, type ChangeRequest } from './refuse-change.js'
import { namingUniqueConflicts } from './unique-conflict.js'

/** Where a write goes. */
export interface WriteTarget {
  readonly collection: PreparedCollection
  readonly executor: Executor
}

/** The id and version of a document that was written. */
export interface WrittenDocument {
  readonly id: string
  readonly version: number
}

interface Write extends WriteTarget {
  readonly operation: string
  readonly body: DocumentBody
  /** 0: must not exist; a version: must have it; undefined: whatever is there. */
  readonly expected: number | undefined
}

/** The insert of a document that others insert and purge at the same time is not tried more often than that. */
const maxInsertRuns = 5

/**
 * Writes one document whole, by one statement.
 *
 * @throws DocumentDeleted, VersionConflict, UniqueConflict, CommitOutcomeUnknown
 */
export async function writeDocument(write: Write): Promise<WrittenDocument> {
  const { executor, collection, body } = write
  const made = (version: number): WrittenDocument => ({ id: body.id, version })
  const run = (): Promise<number> => namingUniqueConflicts(collection, () => dispatch(write))
  const send = executor.alone === undefined ? run : () => againIfUnique(run)
  return knowingOutcome(executor, toRequest(write), async () => made(await send()), made)
}

/**
 * Runs an insert again after a unique violation.
 *
 * Two inserts of one new document at the same moment may meet in a declared unique index before they meet in the
 * primary key, and the loser would conflict with its own document. The second run finds it stored.
 */
async function againIfUnique(run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    if (!isRillflowError(error, 'UniqueConflict')) throw error
    return run()
  }
}

function dispatch(write: Write): Promise<number> {
  if (write.expected === undefined) return put(write)
  return write.expected === 0 ? insert(write) : replace(write)
}

async function put({ collection, executor, operation, body }: Write): Promise<number> {
  const values = [collection.name, body.id, body.json, writeIdOf(executor)]
  const { rows } = await executor.query<PutRow>(putDocument(executor.schema, values))
  const row = rows[0]
  if (row === undefined) throw new DocumentDeletedError(operation, { collection: collection.name, id: body.id })
  return safeInteger(row[0], 'version')
}

async function insert(write: Write): Promise<number> {
  const { collection, executor, body } = write
  const statement = insertDocument(executor.schema, [collection.name, body.id, body.json, writeIdOf(executor)])
  for (let run = 1; run <= maxInsertRuns; run += 1) {
    const row = (await executor.query<ChangeRow>(statement)).rows[0]
    if (row !== undefined) return changedVersion(write, row)
  }
  throw new SerializationFailureError(`${write.operation} met inserts of the same document again and again.`, undefined)
}

async function replace(write: Write): Promise<number> {
  const { collection, executor, body, expected } = write
  const values = [collection.name, body.id, writeIdOf(executor), body.json, `${expected}`]
  const row = (await executor.query<ChangeRow>(replaceDocument(executor.schema, values))).rows[0]
  // To a writer that expects a version, a missing document is one at version 0.
  if (row === undefined) throw versionConflict(toRequest(write), 0)
  return changedVersion(write, row)
}

function changedVersion(write: Write, [version, changed, deleted]: ChangeRow): number {
  return changed ? safeInteger(version, 'version') : refuseChange(toRequest(write), { version, deleted })
}

function toRequest({ operation, collection, body, expected }: Write): ChangeRequest {
  return { operation, collection: collection.name, id: body.id, expected }
}
