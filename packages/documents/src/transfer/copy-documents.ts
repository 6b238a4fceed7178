import {
  canCopy,
  ConnectionLostError,
  copyIn,
  fromDriverError,
  ident,
  isRillflowError,
  type ClientLike,
  type Connection,
  type RillflowError,
  type UniqueViolationError,
} from '@rillflow/core'
import type { DocumentBody } from '../operations/document-body.js'
import { writeIdOf, type Executor } from '../operations/executor.js'
import { settleWrite } from '../operations/known-outcome.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { toUniqueConflict } from '../operations/unique-conflict.js'
import { idTaken } from './id-taken.js'
import type { Progress } from './progress.js'

interface CopyTarget {
  readonly collection: PreparedCollection
  readonly executor: Executor
}

interface CopySource {
  readonly bodies: AsyncIterable<DocumentBody>
  readonly progress: Progress
}

const chunkBytes = 64 * 1024

/**
 * Stores new documents by one COPY; false when the driver knows none, and nothing was read.
 *
 * Outside the pool where that can be, since the connection is held while the source is waited for, which may need the pool.
 */
export async function copyAll(target: CopyTarget, connection: Connection, source: CopySource): Promise<boolean> {
  const copy = new DocumentCopy(target, source)
  try {
    return await connection.withDedicated('import', async (client) => {
      if (!canCopy(client)) return false
      await copy.run(client)
      return true
    })
  } catch (error) {
    if (copy.last === undefined) throw error
    // All of them are stored, or none: one tells of all.
    const write = { operation: 'import', collection: target.collection.name, id: copy.last, expected: 0 }
    await settleWrite(target.executor, write, error)
    return true
  }
}

/** One COPY, and what is known of it while it runs. */
class DocumentCopy {
  readonly #target: CopyTarget
  readonly #source: CopySource
  #hasFailed = false
  #hasEnded = false
  /** The id of the last document that was sent. */
  last: string | undefined

  constructor(target: CopyTarget, source: CopySource) {
    this.#target = target
    this.#source = source
  }

  async run(client: ClientLike): Promise<void> {
    const { schema } = this.#target.executor
    const columns = '(collection, id, doc, version, created_at, updated_at, write_id)'
    // The encoding is named: a client_encoding that somebody set for the connection would read the bytes as others.
    const text = `/* rillflow:import */ copy ${ident(schema)}.docs ${columns} from stdin with (format text, encoding 'UTF8')`
    try {
      await copyIn(client, text, this.#chunks())
    } catch (error) {
      throw this.#hasFailed ? error : this.#toImportError(error, client)
    }
  }

  /** Marks what comes of the source, and of the caller's listener to its progress, apart from what comes of the server. */
  async *#chunks(): AsyncGenerator<string> {
    try {
      yield* this.#encode()
      this.#hasEnded = true
    } catch (error) {
      this.#hasFailed = true
      throw error
    }
  }

  async *#encode(): AsyncGenerator<string> {
    const { bodies, progress } = this.#source
    const name = escape(this.#target.collection.name)
    // JSON holds no control characters, and 'now' is the time of the transaction.
    const rest = `\t1\tnow\tnow\t${writeIdOf(this.#target.executor) ?? '\\N'}\n`
    let chunk = ''
    let count = 0
    for await (const { id, json } of bodies) {
      chunk += `${name}\t${escape(id)}\t${json.replaceAll('\\', '\\\\')}${rest}`
      count += 1
      this.last = id
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

  #toImportError(error: unknown, { processID }: ClientLike): unknown {
    const mapped = fromDriverError(error, 'import')
    if (isRillflowError(mapped, 'ConnectionLost')) return this.#toLost(mapped, processID ?? undefined)
    const isId =
      isRillflowError(mapped, 'UniqueViolation') && (mapped as UniqueViolationError).constraint === 'docs_pkey'
    return isId ? idTaken(this.#target.collection, error) : toUniqueConflict([this.#target.collection], mapped)
  }

  /** The server stores nothing of a COPY whose end was never sent. */
  #toLost({ message, cause }: RillflowError, backendPid: number | undefined): ConnectionLostError {
    return new ConnectionLostError(message, cause, this.#hasEnded ? { backendPid } : undefined)
  }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escape(text: string): string {
  return text.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character] as string)
}
