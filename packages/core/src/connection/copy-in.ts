import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ClientLike } from './pool-like.js'

/** What of node-postgres' connection a COPY needs. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
  readonly stream: CopySocket
}

interface CopySocket {
  readonly writableNeedDrain?: boolean
  readonly destroyed?: boolean
  once(event: 'drain' | 'close', listener: () => void): unknown
  removeListener(event: 'drain' | 'close', listener: () => void): unknown
}

/** A client of node-postgres, which takes objects that speak the protocol themselves. */
interface CopyClient {
  query(copy: CopyIn): unknown
  readonly connection: CopyConnection
}

/** Text in the format of the COPY, cut anywhere; asked for while the server reads what came before. */
export type CopyChunks = Iterable<string> | AsyncIterable<string>

/**
 * Tells whether a client can COPY. An adapter cannot, `pg-native` cannot, nor can a client in pipeline mode, which refuses
 * everything but its own queries.
 */
export function canCopy(client: ClientLike): boolean {
  const { connection, pipeline } = client as Partial<CopyClient> & ClientLike
  const wanted = ['query', 'sendCopyFromChunk', 'endCopyFrom', 'sendCopyFail'] as const
  const speaksCopy = wanted.every((name) => typeof connection?.[name] === 'function')
  return speaksCopy && typeof connection?.stream === 'object' && pipeline !== true
}

/**
 * Runs `COPY … FROM STDIN` on a client that {@link canCopy}, gives it the chunks, no faster than the server takes them, and
 * tells the number of rows. Afterwards, whatever became of it, the connection takes the next statement.
 *
 * The errors of the driver come out as they are, without the values that the server quotes in them; of `where` the line is
 * left. An error of the chunks' own source calls the COPY off, so that nothing of it is stored, and comes out unchanged.
 */
export async function copyIn(client: ClientLike, text: string, chunks: CopyChunks): Promise<number> {
  const copy = new CopyIn(text, chunks)
  ;(client as unknown as CopyClient).query(copy)
  return copy.done
}

/** A server that keeps up would else keep the event loop from everything, the news of its own refusal included. */
const charsPerTurn = 1024 * 1024

/**
 * What `client.query` takes: the driver calls `submit` when it is its turn, and the `handle…` methods with what the server
 * answers.
 */
class CopyIn {
  readonly #text: string
  readonly #chunks: CopyChunks
  #settle: ((failure: { readonly error: unknown } | undefined) => void) | undefined
  #sourceFailure: { readonly error: unknown } | undefined
  #rows = 0
  #ended = false
  #sinceTurn = 0
  readonly done: Promise<number>
  /** Put here by the driver when a query may take a limited time; it must hear of the end. */
  callback: ((error: unknown) => void) | undefined

  constructor(text: string, chunks: CopyChunks) {
    this.#text = text
    this.#chunks = chunks
    this.done = new Promise((resolve, reject) => {
      this.#settle = (failure) => (failure === undefined ? resolve(this.#rows) : reject(failure.error))
    })
  }

  // The simple protocol: after an error the server itself drops what is still on its way.
  submit(connection: CopyConnection): void {
    connection.query(this.#text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#send(connection).catch((error: unknown) => {
      this.#sourceFailure = { error }
      // The server answers with an error, which ends the copy; without that it would wait for ever.
      if (!this.#ended) connection.sendCopyFail('the source failed')
    })
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#rows = Number(message.text.split(' ')[1])
  }

  handleReadyForQuery(): void {
    this.#end(undefined)
  }

  handleError(error: unknown): void {
    this.#end(this.#sourceFailure ?? { error: withoutValues(error) })
  }

  async #send(connection: CopyConnection): Promise<void> {
    const chunks = this.#chunks
    // Waiting for what is no promise would cost a turn of the event loop's queue for each chunk.
    if (Symbol.asyncIterator in chunks) {
      for await (const chunk of chunks) if (!(await this.#sendChunk(connection, chunk))) return
    } else {
      for (const chunk of chunks) if (!(await this.#sendChunk(connection, chunk))) return
    }
    if (!this.#ended) connection.endCopyFrom()
  }

  /** False when the copy has ended meanwhile: the rest is not asked for. */
  async #sendChunk(connection: CopyConnection, chunk: string): Promise<boolean> {
    if (this.#ended) return false
    connection.sendCopyFromChunk(Buffer.from(chunk))
    this.#sinceTurn += chunk.length
    if (connection.stream.writableNeedDrain === true) await drained(connection.stream)
    else if (this.#sinceTurn < charsPerTurn) return true
    else await nextTurn()
    this.#sinceTurn = 0
    return true
  }

  #end(failure: { readonly error: unknown } | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#settle?.(failure)
    this.callback?.(failure?.error)
  }
}

/** The line that the server names, below the trigger that raised the error if there is one. */
const line = /^COPY .*?, line \d+/m

/** The server quotes rows in these fields, and loggers print errors. */
function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return error ?? new Error('the COPY failed')
  const quoting = error as { detail?: unknown; where?: unknown; internalQuery?: unknown }
  const place = typeof quoting.where === 'string' ? line.exec(quoting.where)?.[0] : undefined
  delete quoting.detail
  delete quoting.internalQuery
  if (place === undefined) delete quoting.where
  else quoting.where = place
  return error
}

/** Waits until the socket takes more; or is closed, and then the driver tells the copy. */
async function drained(stream: CopySocket): Promise<void> {
  if (stream.destroyed === true) return
  await new Promise<void>((resolve) => {
    const end = (): void => {
      stream.removeListener('drain', end)
      stream.removeListener('close', end)
      resolve()
    }
    stream.once('drain', end)
    stream.once('close', end)
  })
}
