import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, DedicatedClient, Logger } from '@rillflow/core'
import { channel } from './channel.js'

/** How often the connection is asked whether it still lives, and how long it may take to answer. */
const heartbeat = { every: 5_000, timeout: 2_000 }
const reconnect = { first: 100, most: 5_000, timeout: 10_000 }

/**
 * Listens for notifications on a connection of its own, and makes it again when it is lost or half open. A wake-up that
 * is missed in between costs nothing but time: `onWake` is called after each new connection.
 */
export class Listener {
  readonly #connection: Connection
  readonly #logger: Logger
  readonly #onWake: (schema: string | undefined) => void
  readonly #stop = new AbortController()
  readonly #stopped: Promise<undefined>
  #running: Promise<void> | undefined

  /** `onWake` gets the schema, or undefined when any may have been appended to. */
  constructor(connection: Connection, logger: Logger, onWake: (schema: string | undefined) => void) {
    this.#connection = connection
    this.#logger = logger
    this.#onWake = onWake
    this.#stopped = new Promise((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(undefined), { once: true })
    })
  }

  /** Begins to listen, once. */
  start(): void {
    if (this.#connection.canDedicate) this.#running ??= this.#run()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let pause = reconnect.first
    while (!this.#stop.signal.aborted) {
      try {
        const client = await this.#connect()
        if (client === undefined) return
        pause = reconnect.first
        await this.#serve(client)
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#logger.warn({ err: error }, 'the connection that listens for wake-ups was lost; polling until it is back')
        await this.#sleep(pause)
        pause = Math.min(pause * 2, reconnect.most)
      }
    }
  }

  /** A new connection, or undefined at the end. One that comes too late is ended: nobody would listen on it. */
  async #connect(): Promise<DedicatedClient | undefined> {
    const connecting = this.#connection.dedicate()
    let client: DedicatedClient | undefined
    try {
      client = await Promise.race([connecting, this.#stopped, timeout(reconnect.timeout)])
      return client
    } finally {
      if (client === undefined) connecting.then((late) => late.end()).catch(() => undefined)
    }
  }

  /** Listens until the connection is lost, which throws, or until the end. */
  async #serve(client: DedicatedClient): Promise<void> {
    const lost = new Promise<never>((_, reject) => client.on('error', reject))
    // The heartbeat below usually sees it first; nobody may be waiting for this one then.
    lost.catch(() => undefined)
    client.on('notification', (message) => this.#onWake(message.payload))
    client.unref?.()
    try {
      const ask = (text: string): Promise<unknown> =>
        Promise.race([client.query({ text }), lost, this.#stopped, timeout(heartbeat.timeout)])
      await ask(`listen ${channel}`)
      this.#onWake(undefined)
      while (!this.#stop.signal.aborted) {
        await Promise.race([this.#sleep(heartbeat.every), lost])
        if (!this.#stop.signal.aborted) await ask('select 1')
      }
    } finally {
      // Not awaited: a half-open socket never says goodbye.
      void client.end().catch(() => undefined)
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
  }
}

async function timeout(milliseconds: number): Promise<never> {
  await sleep(milliseconds, undefined, { ref: false })
  throw new Error('the connection does not answer')
}
