import type { Socket } from 'node:net'
import { ProxyListener } from './proxy-listener.js'

/** What one client sent without waiting for an answer in between, each statement by its name or text. */
export type Flight = readonly string[]

/**
 * A TCP proxy in front of a server that counts round trips: a flight begins when a client sends while it has been told
 * the answer of everything that it sent before.
 */
export class CountingProxy implements AsyncDisposable {
  readonly #listener: ProxyListener
  readonly #links = new Set<Link>()
  #flights: string[][] = []

  private constructor(target: string) {
    this.#listener = new ProxyListener(target, (client, server) => this.#accept(client, server))
  }

  static async start(target: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(target)
    await proxy.#listener.listen()
    return proxy
  }

  /** The URL that leads through the proxy. */
  get url(): string {
    return this.#listener.url
  }

  /** What was sent since the last call, of all connections. */
  take(): readonly Flight[] {
    const taken = this.#flights
    this.#flights = []
    return taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, server } of this.#links) {
      client.destroy()
      server.destroy()
    }
    await this.#listener.close()
  }

  #accept(client: Socket, server: Socket): void {
    // The start of a connection is answered by a ReadyForQuery too.
    const link: Link = { client, server, unanswered: 1 }
    this.#links.add(link)
    const requests = new Frames(true)
    const answers = new Frames(false)
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.on('close', () => {
        other.destroy()
        this.#links.delete(link)
      })
    } // prettier-ignore
    client.on('data', (chunk) => {
      for (const frame of requests.add(chunk)) this.#request(link, frame)
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      // ReadyForQuery answers one Sync, or one simple query.
      for (const { type } of answers.add(chunk)) if (type === 'Z') link.unanswered -= 1
      client.write(chunk)
    })
  }

  #request(link: Link, { type, body }: Frame): void {
    const statement = nameOf(type, body)
    if (statement !== undefined) {
      if (link.unanswered === 0) this.#flights.push([])
      this.#flights.at(-1)?.push(statement)
    }
    if (type === 'Q' || type === 'S') link.unanswered += 1
  }
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** How many statements the client has not been told the answer of. */
  unanswered: number
}

/** Bind has the portal, then the prepared statement; a simple query has its text. */
function nameOf(type: string, body: string): string | undefined {
  if (type === 'Q') return body.split('\0', 1)[0]
  return type === 'B' ? (body.split('\0', 2)[1] ?? '') : undefined
}

interface Frame {
  readonly type: string
  readonly body: string
}

/** Takes one direction of a connection apart into messages, wherever the packets end. */
class Frames {
  #rest = Buffer.alloc(0)
  /** The first message of a client has no type. */
  #isStart: boolean

  constructor(fromClient: boolean) {
    this.#isStart = fromClient
  }

  add(chunk: Buffer): readonly Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    for (;;) {
      const header = this.#isStart ? 0 : 1
      if (this.#rest.length < header + 4) return frames
      const end = header + this.#rest.readUInt32BE(header)
      if (this.#rest.length < end) return frames
      const type = this.#isStart ? '' : this.#rest.toString('latin1', 0, 1)
      frames.push({ type, body: this.#rest.toString('latin1', header + 4, end) })
      this.#rest = this.#rest.subarray(end)
      this.#isStart = false
    }
  }
}
