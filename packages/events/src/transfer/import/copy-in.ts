import type { ClientLike } from '@rillflow/core'

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
export interface CopyClient {
  query(copy: CopyIn): unknown
  readonly connection: CopyConnection
}

/**
 * The client as one that can COPY; undefined for one that cannot: an adapter, `pg-native`, or a client in pipeline mode,
 * which refuses everything but its own queries.
 */
export function asCopyClient(client: ClientLike): CopyClient | undefined {
  const { connection, pipeline } = client as Partial<CopyClient> & ClientLike
  const wanted = ['query', 'sendCopyFromChunk', 'endCopyFrom', 'sendCopyFail'] as const
  const canCopy = wanted.every((name) => typeof connection?.[name] === 'function')
  return canCopy && typeof connection?.stream === 'object' && pipeline !== true
    ? (client as unknown as CopyClient)
    : undefined
}

/**
 * `COPY … FROM STDIN` as an object that `client.query` takes: the driver calls `submit` when it is its turn, and the
 * `handle…` methods with what the server answers. Chunks are made while the server reads those before them.
 */
export class CopyIn {
  readonly #text: string
  readonly #chunks: Iterable<string>
  #settle: ((error: unknown) => void) | undefined
  #rows = 0
  #ended = false
  /** Resolves to the number of rows when the server has taken all; the connection is ready for the next statement. */
  readonly done: Promise<number>
  /** Put here by the driver when a query may take a limited time; it must hear of the end. */
  callback: ((error: unknown) => void) | undefined

  constructor(text: string, chunks: Iterable<string>) {
    this.#text = text
    this.#chunks = chunks
    this.done = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve(this.#rows) : reject(error))
    })
  }

  // The simple protocol: after an error the server itself drops what is still on its way.
  submit(connection: CopyConnection): void {
    connection.query(this.#text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#send(connection).catch((error: unknown) => {
      // The server is told, and its answer ends the copy; without that it would wait for ever.
      if (!this.#ended) connection.sendCopyFail('the client failed')
      this.handleError(error)
    })
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#rows = Number(message.text.split(' ')[1])
  }

  handleReadyForQuery(): void {
    this.#end(undefined)
  }

  handleError(error: unknown): void {
    this.#end(error ?? new Error('the COPY failed'))
  }

  async #send(connection: CopyConnection): Promise<void> {
    for (const chunk of this.#chunks) {
      if (this.#ended) return
      connection.sendCopyFromChunk(Buffer.from(chunk))
      if (connection.stream.writableNeedDrain === true) await drained(connection.stream)
    }
    if (!this.#ended) connection.endCopyFrom()
  }

  #end(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#settle?.(error)
    this.callback?.(error)
  }
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
