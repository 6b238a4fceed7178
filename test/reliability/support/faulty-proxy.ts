import type { Socket } from 'node:net'
import { ProxyListener } from './proxy-listener.js'

/** Where the proxy breaks a connection that carries a statement. */
export type Fault =
  /** Before the server gets the statement. */
  | 'request'
  /** When the server answers: the statement is committed, and nobody is told. */
  | 'reply'
  /** As `request`, and instead of breaking it falls silent: both ends believe that the connection lives. */
  | 'silentRequest'
  /** As `reply`, and instead of breaking it falls silent. */
  | 'silentReply'

/** One connection through the proxy. */
interface Link {
  readonly client: Socket
  readonly server: Socket
  /** What the client has sent, for as long as that is short. */
  sent: string
  /** How many bytes may still pass, in either direction, before it is cut. */
  left: number
  silent: boolean
  /** What becomes of the next reply that ends a statement. */
  pending: 'cut' | 'silence' | undefined
}

/** The name of the prepared statement, which goes with every execution. */
const anAppend = /rf_append\w*_/

/** ReadyForQuery outside a transaction, which the server sends when it has committed. */
const committed = Buffer.from('Z\0\0\0\x05I', 'latin1')

/** A TCP proxy in front of a server, which breaks connections where a test wants it. */
export class FaultyProxy implements AsyncDisposable {
  readonly #listener: ProxyListener
  readonly #links = new Set<Link>()
  #fault: Fault | undefined
  #statement: RegExp = anAppend
  #passing = 0
  #onStrike: () => void = () => undefined
  #refusing = false
  #budget: () => number = () => Number.POSITIVE_INFINITY
  /** How many connections it has cut. */
  cuts = 0

  private constructor(target: string) {
    this.#listener = new ProxyListener(target, (client, server) => this.#accept(client, server))
  }

  static async start(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target)
    await proxy.#listener.listen()
    return proxy
  }

  /** The URL that leads through the proxy. */
  get url(): string {
    return this.#listener.url
  }

  /** Breaks the next statement of this name, once; the next append unless told. So many of them may pass before. */
  arm(fault: Fault, statement = anAppend, passing = 0): void {
    this.#fault = fault
    this.#statement = statement
    this.#passing = passing
  }

  /** Resolves in the breath in which a statement comes to the fault that is armed now. */
  async untilStruck(): Promise<void> {
    if (this.armed) await new Promise<void>((resolve) => (this.#onStrike = resolve))
  }

  /** True while no statement has come to the armed fault yet. */
  get armed(): boolean {
    return this.#fault !== undefined
  }

  /** Cuts each connection made from now on after so many bytes. */
  cutAfter(bytes: () => number): void {
    this.#budget = bytes
  }

  /** Cuts the connections whose client has sent this text; all of them without one. */
  cut(sent = ''): number {
    return this.#each(sent, (link) => this.#cut(link))
  }

  /** Lets nothing through any more on the connections whose client has sent this text, and breaks none of them. */
  silence(sent = ''): number {
    return this.#each(sent, (link) => (link.silent = true))
  }

  /** Accepts new connections and answers none of them; false ends that. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) this.#cut(link)
    await this.#listener.close()
  }

  #each(sent: string, work: (link: Link) => void): number {
    const links = [...this.#links].filter((link) => link.sent.includes(sent))
    for (const link of links) work(link)
    return links.length
  }

  #accept(client: Socket, server: Socket): void {
    const link: Link = {
      client,
      server,
      sent: '',
      left: this.#budget(),
      silent: this.#refusing,
      pending: undefined,
    }
    this.#links.add(link)
    for (const socket of [client, server]) {
      // In a silent connection neither end learns of the other's.
      socket.on('close', () => (link.silent ? undefined : this.#cut(link)))
    }
    client.on('data', (chunk) => this.#request(link, chunk))
    server.on('data', (chunk) => this.#reply(link, chunk))
  }

  #request(link: Link, chunk: Buffer): void {
    const text = chunk.toString('latin1')
    if (link.sent.length < 50_000) link.sent += text
    if (this.#fault !== undefined && this.#statement.test(text) && this.#passing-- <= 0) {
      const fault = this.#fault
      this.#fault = undefined
      this.#onStrike()
      if (fault === 'request') return this.#cut(link)
      if (fault === 'silentRequest') link.silent = true
      link.pending = fault === 'reply' ? 'cut' : 'silence'
    }
    this.#pass(link, { chunk, to: link.server })
  }

  #reply(link: Link, chunk: Buffer): void {
    if (link.pending !== undefined && chunk.includes(committed)) {
      if (link.pending === 'cut') return this.#cut(link)
      link.silent = true
    }
    this.#pass(link, { chunk, to: link.client })
  }

  #pass(link: Link, { chunk, to }: { chunk: Buffer; to: Socket }): void {
    if (link.silent) return
    const part = chunk.subarray(0, Math.max(0, link.left))
    link.left -= chunk.length
    if (link.left >= 0) to.write(part)
    else to.write(part, () => this.#cut(link))
  }

  #cut(link: Link): void {
    if (!this.#links.delete(link)) return
    // An end that had ended before was not cut here.
    if (!link.client.destroyed && !link.server.destroyed) this.cuts += 1
    link.client.destroy()
    link.server.destroy()
  }
}
