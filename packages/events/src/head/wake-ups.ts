import { defineStatement, type Connection, type Logger } from '@rillflow/core'
import { channel } from './channel.js'

const notifyStatement = defineStatement('notify', () => `select pg_notify('${channel}', $1::text)`)

/** A notification takes a lock that all committing transactions share; more of them cost throughput for nothing. */
const pause = 10

/**
 * Tells readers that something was appended: those of this process at once, those of others by at most one notification
 * every 10 ms and schema. Both are hints; a reader that misses one polls.
 */
export class WakeUps {
  readonly #connection: Connection
  readonly #logger: Logger
  readonly #notify: boolean
  readonly #lastSent = new Map<string, number>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #listeners = new Set<(schema: string) => void>()

  /** `notify` false wakes readers of this process alone. */
  constructor(connection: Connection, logger: Logger, notify: boolean) {
    this.#connection = connection
    this.#logger = logger
    this.#notify = notify
  }

  /** Calls `listener` after each commit of this process; gives what ends that. */
  listen(listener: (schema: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Asked by a statement right before it leaves; true when it shall carry the notification itself. */
  claim(schema: string): boolean {
    if (!this.#notify || this.#wait(schema) > 0) return false
    this.#lastSent.set(schema, performance.now())
    // What was to be told later is told with it.
    clearTimeout(this.#timers.get(schema))
    this.#timers.delete(schema)
    return true
  }

  /** Told after a commit, `carried` when it brought the notification with it; and after a carrier that failed. */
  committed(schema: string, carried: boolean): void {
    for (const listener of this.#listeners) listener(schema)
    if (carried || !this.#notify || this.#timers.has(schema)) return
    const wait = this.#wait(schema)
    if (wait <= 0) return this.#send(schema)
    // Not dropped but postponed: the last append before a silence must be told too.
    const timer = setTimeout(() => {
      this.#timers.delete(schema)
      this.#send(schema)
    }, wait)
    timer.unref()
    this.#timers.set(schema, timer)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#listeners.clear()
  }

  #wait(schema: string): number {
    return (this.#lastSent.get(schema) ?? Number.NEGATIVE_INFINITY) + pause - performance.now()
  }

  #send(schema: string): void {
    this.#lastSent.set(schema, performance.now())
    this.#connection.query(notifyStatement('-', [schema])).catch((error: unknown) => {
      this.#logger.debug({ err: error }, 'a wake-up was not sent; readers poll')
    })
  }
}
