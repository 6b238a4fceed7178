import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Listens in front of a server, and makes a connection to it for each that comes. */
export class ProxyListener {
  readonly #listener: Server
  readonly #target: URL

  /** @param accept joins the two ends of a connection */
  constructor(target: string, accept: (client: Socket, server: Socket) => void) {
    this.#target = new URL(target)
    this.#listener = createServer((client) => {
      const server = connect(Number(this.#target.port), this.#target.hostname)
      for (const socket of [client, server]) {
        socket.setNoDelay(true)
        socket.on('error', () => undefined)
      }
      accept(client, server)
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => void this.#listener.listen(0, '127.0.0.1', resolve))
  }

  /** The URL that leads through the proxy. */
  get url(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    url.port = String((this.#listener.address() as AddressInfo).port)
    return url.href
  }

  /** Takes no more connections; those that there are must be ended first. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => void this.#listener.close(() => resolve()))
  }
}
