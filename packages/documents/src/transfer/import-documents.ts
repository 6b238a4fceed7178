import {
  fromDriverError,
  ident,
  isRillflowError,
  type Connection,
  type DedicatedClient,
  type UniqueViolationError,
} from '@rillflow/core'
import { UniqueConflictError } from '../errors.js'
import { toBody, type DocumentBody } from '../operations/document-body.js'
import type { Executor } from '../operations/executor.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { toUniqueConflict } from '../operations/unique-conflict.js'
import { maxItems, maxSize, type PutItem } from '../batch/batch-item.js'
import { sendBatch } from '../batch/send-batch.js'
import { canCopy, copyIn } from './copy-in.js'

/** How far an import has come. */
export interface ImportProgress {
  /** How many documents were sent. Nothing of them is stored before the import has ended. */
  readonly documents: number
  readonly bytes: number
}

/** How documents are imported. */
export interface ImportOptions {
  /** Called after each part that was sent. */
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Where an import goes. */
export interface ImportTarget {
  readonly collection: PreparedCollection
  readonly executor: Executor
  /** Undefined inside a transaction, whose own client would have to do the COPY. */
  readonly connection: Connection | undefined
}

const chunkBytes = 64 * 1024

type Source = Iterable<unknown> | AsyncIterable<unknown>

/**
 * Stores new documents of any number, all of them or none, in constant memory: by COPY, or by statements of bounded size
 * where the driver knows no COPY or a transaction is under way.
 *
 * @throws UniqueConflict (`fields` is `['id']` when an id is taken), ValidationFailed, UnstorableValue, InvalidArgument;
 * what the source or the signal throws
 */
export async function importDocuments(target: ImportTarget, source: Source, options: ImportOptions): Promise<number> {
  const { collection, executor, connection } = target
  const progress = new Progress(options)
  const bodies = toBodies(collection, source, options.signal)
  const client = await openCopyClient(connection)
  if (client === undefined) {
    await insertAll(target, bodies, progress)
    return progress.documents
  }
  const columns = '(collection, id, doc, version, created_at, updated_at)'
  const text = `/* rillflow:import */ copy ${ident(executor.schema)}.docs ${columns} from stdin`
  try {
    await copyIn(client, text, toChunks(collection.name, bodies, progress))
  } catch (error) {
    throw toImportError(collection, error)
  } finally {
    await client.end()
  }
  return progress.documents
}

/** A connection of its own: those of a pool are in pipeline mode, in which the driver takes no COPY. */
async function openCopyClient(connection: Connection | undefined): Promise<DedicatedClient | undefined> {
  if (connection?.canDedicate !== true) return undefined
  const client = await connection.dedicate()
  if (canCopy(client)) return client
  await client.end()
  return undefined
}

class Progress {
  readonly #options: ImportOptions
  documents = 0
  #bytes = 0

  constructor(options: ImportOptions) {
    this.#options = options
  }

  sent(documents: number, bytes: number): void {
    this.documents += documents
    this.#bytes += bytes
    this.#options.onProgress?.({ documents: this.documents, bytes: this.#bytes })
  }
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

async function* toChunks(
  collection: string,
  bodies: AsyncIterable<DocumentBody>,
  progress: Progress,
): AsyncGenerator<string> {
  const name = escape(collection)
  let chunk = ''
  let count = 0
  for await (const { id, json } of bodies) {
    // JSON holds no control characters, and 'now' is the time of the transaction.
    chunk += `${name}\t${escape(id)}\t${json.replaceAll('\\', '\\\\')}\t1\tnow\tnow\n`
    count += 1
    if (chunk.length < chunkBytes) continue
    yield chunk
    progress.sent(count, chunk.length)
    chunk = ''
    count = 0
  }
  if (count === 0) return
  yield chunk
  progress.sent(count, chunk.length)
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escape(text: string): string {
  return text.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] as string)
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

function toImportError(collection: PreparedCollection, error: unknown): unknown {
  // What the source threw has no server's name for its kind, and comes out as it is.
  if (!isFromServer(error)) return error
  const mapped = fromDriverError(error, 'import')
  const isId = isRillflowError(mapped, 'UniqueViolation') && (mapped as UniqueViolationError).constraint === 'docs_pkey'
  return isId ? idTaken(collection, error) : toUniqueConflict([collection], mapped)
}

function isFromServer(error: unknown): boolean {
  return error instanceof Error && !isRillflowError(error) && 'severity' in error
}

function idTaken({ name }: PreparedCollection, cause: unknown): UniqueConflictError {
  return new UniqueConflictError({ collection: name, fields: ['id'], index: 'docs_pkey', cause })
}
