import { isRillflowError, type Connection } from '@rillflow/core'
import { maxItems, maxSize, type PutItem } from '../batch/batch-item.js'
import { sendBatch } from '../batch/send-batch.js'
import { toBody, type DocumentBody } from '../operations/document-body.js'
import type { Executor } from '../operations/executor.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { copyAll } from './copy-documents.js'
import { idTaken } from './id-taken.js'
import { Progress, type ImportOptions } from './progress.js'

/** Where an import goes. */
export interface ImportTarget {
  readonly collection: PreparedCollection
  readonly executor: Executor
  /** Undefined inside a transaction, whose own client would have to do the COPY. */
  readonly connection: Connection | undefined
}

/** Documents as the caller gives them. */
type Source = Iterable<unknown> | AsyncIterable<unknown>

/**
 * Stores new documents of any number, all of them or none, in constant memory: by COPY on a connection of its own, or,
 * where the driver knows no COPY or a transaction is under way, by statements of bounded size in one transaction.
 *
 * @throws UniqueConflict (`fields` is `['id']` when an id is taken), ValidationFailed, UnstorableValue, InvalidArgument,
 * ConnectionLost when nothing is stored, CommitOutcomeUnknown when that cannot be told; what the source or the signal throws
 */
export async function importDocuments(target: ImportTarget, source: Source, options: ImportOptions): Promise<number> {
  const { collection, connection } = target
  const progress = new Progress(options)
  const bodies = toBodies(collection, source, options.signal)
  if (connection === undefined) await insertAll(target, bodies, progress)
  else if (!(await copyAll(target, connection, { bodies, progress }))) {
    await inTransaction(connection, target, (inside) => insertAll(inside, bodies, progress))
  }
  return progress.documents
}

/** A source is read once: a transaction that the server breaks to resolve a race is not run again. */
async function inTransaction(
  connection: Connection,
  { collection, executor: { schema } }: ImportTarget,
  work: (target: ImportTarget) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined
  await connection.transaction(async (client) => {
    if (failure !== undefined) throw failure.error
    const executor: Executor = { schema, alone: undefined, query: (statement) => client.query(statement) }
    try {
      await work({ collection, executor, connection: undefined })
    } catch (error) {
      failure = { error }
      throw error
    }
  })
}

async function* toBodies(
  collection: PreparedCollection,
  source: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<DocumentBody> {
  for await (const doc of source) {
    signal?.throwIfAborted()
    const body = toBody(collection, doc)
    yield body instanceof Promise ? await body : body
  }
}

async function insertAll(target: ImportTarget, bodies: AsyncIterable<DocumentBody>, progress: Progress): Promise<void> {
  const { collection, executor } = target
  const items = new Map<string, PutItem>()
  let size = 0
  const flush = async (): Promise<void> => {
    if (items.size === 0) return
    const outcomes = await sendBatch(executor, [...items.values()])
    const failed = outcomes.find((outcome) => outcome instanceof Error)
    if (failed !== undefined) throw isTaken(failed) ? idTaken(collection, failed) : failed
    progress.sent(items.size, size)
    items.clear()
    size = 0
  }
  for await (const body of bodies) {
    if (items.has(body.id)) throw idTaken(collection, undefined)
    items.set(body.id, { kind: 'put', collection, id: body.id, operation: 'import', expected: 0, body })
    size += body.json.length
    if (items.size >= maxItems || size >= maxSize) await flush()
  }
  await flush()
}

function isTaken(error: unknown): boolean {
  return isRillflowError(error, 'VersionConflict') || isRillflowError(error, 'DocumentDeleted')
}
