import { once } from 'node:events'
import { ConnectionLostError, type DedicatedClient } from '@rillflow/core'

/** What node-postgres's own connection has for COPY. */
interface WireConnection {
  readonly stream: NodeJS.WritableStream & { readonly writableNeedDrain?: boolean }
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(message: string): void
}

/** What node-postgres calls of a query that speaks the protocol itself. */
interface Submittable {
  submit(connection: WireConnection): void
  handleError(error: Error): void
  handleCopyInResponse(connection: WireConnection): void
  handleCommandComplete(): void
  handleReadyForQuery(): void
  callback(): void
}

/** Tells whether a client is node-postgres's own, which can be made to speak COPY, and not in pipeline mode. */
export function canCopy(client: DedicatedClient): boolean {
  const { connection, pipeline } = client as {
    readonly connection?: Partial<WireConnection>
    readonly pipeline?: boolean
  }
  return typeof connection?.sendCopyFromChunk === 'function' && pipeline !== true
}

/**
 * Runs `COPY … FROM STDIN` and gives it the chunks, no faster than the server takes them.
 *
 * An error of the chunks' source ends the COPY, so that nothing of it is stored, and comes out unchanged.
 */
export async function copyIn(client: DedicatedClient, text: string, chunks: AsyncIterable<string>): Promise<void> {
  const copy = new CopyIn(text, chunks)
  ;(client as unknown as { query(submittable: Submittable): unknown }).query(copy)
  await copy.done
}

class CopyIn implements Submittable {
  readonly #text: string
  readonly #chunks: AsyncIterable<string>
  readonly done: Promise<void>
  #resolve = (): void => undefined
  #reject: (error: unknown) => void = () => undefined
  #ended = false
  #sourceError: { readonly error: unknown } | undefined

  constructor(text: string, chunks: AsyncIterable<string>) {
    this.#text = text
    this.#chunks = chunks
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(connection: WireConnection): void {
    connection.query(this.#text)
  }

  handleCopyInResponse(connection: WireConnection): void {
    void this.#pump(connection)
  }

  handleError(error: Error): void {
    this.#ended = true
    this.#reject(this.#sourceError === undefined ? error : this.#sourceError.error)
  }

  handleCommandComplete(): void {
    // Only the server's readiness says that the connection is free again.
  }

  handleReadyForQuery(): void {
    this.#ended = true
    this.#resolve()
  }

  callback(): void {
    // node-postgres calls it when its own time-out strikes; the error comes by handleError.
  }

  async #pump(connection: WireConnection): Promise<void> {
    try {
      for await (const chunk of this.#chunks) {
        if (this.#ended) return
        connection.sendCopyFromChunk(Buffer.from(chunk))
        if (connection.stream.writableNeedDrain === true) await this.#drained(connection)
      }
      if (!this.#ended) connection.endCopyFrom()
    } catch (error) {
      this.#sourceError = { error }
      // The server answers it with an error, which ends the call.
      if (!this.#ended) connection.sendCopyFail('the source of the documents failed')
    }
  }

  /** A connection that breaks while its buffer is full never drains. */
  async #drained({ stream }: WireConnection): Promise<void> {
    const given = new AbortController()
    const lost = once(stream, 'close', { signal: given.signal }).then(() => {
      throw new ConnectionLostError('import: the connection to PostgreSQL was lost.', undefined)
    })
    try {
      await Promise.race([once(stream, 'drain', { signal: given.signal }), lost])
    } finally {
      given.abort()
      lost.catch(() => undefined)
    }
  }
}
