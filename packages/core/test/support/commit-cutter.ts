import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A simple query message of the protocol: its length, then the text and a NUL. */
const commitMessage = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1')

/** A proxy in front of a server, which breaks connections at their COMMIT. */
export interface CommitCutter extends AsyncDisposable {
  /** The URL that leads through the proxy. */
  readonly url: string
  /** Cuts at the next COMMIT: before the server gets it, or when the server answers it. */
  arm(where: 'before' | 'reply'): void
}

/** Starts the proxy on a port of its own. */
export async function startCommitCutter(target: string): Promise<CommitCutter> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let armed: 'before' | 'reply' | undefined
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname)
    let cutReply = false
    const cut = (): void => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', cut)
    }
    client.on('data', (chunk) => {
      if (armed !== undefined && chunk.includes(commitMessage)) {
        if (armed === 'before') return cut()
        cutReply = true
        armed = undefined
      }
      server.write(chunk)
    })
    server.on('data', (chunk) => (cutReply ? cut() : client.write(chunk)))
  })
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as AddressInfo).port)
  return {
    url: url.href,
    arm: (where) => {
      armed = where
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => void proxy.close(() => resolve()))
    },
  }
}
