import { InvalidStateError, type Connection, type Logger } from '@rillflow/core'
import type { HeadReader } from './head-reader.js'
import { HeadTracker } from './head-tracker.js'
import { Listener } from './listener.js'
import type { WakeUps } from './wake-ups.js'

/** What the head trackers of a store share. */
export interface HeadsParts {
  readonly connection: Connection
  readonly logger: Logger
  readonly wakeUps: WakeUps
  readonly headReader: HeadReader
  /** False polls alone. */
  readonly listen: boolean
}

/** The head trackers of a store, one for each schema, and the one connection that listens for all of them. */
export class Heads {
  readonly #parts: HeadsParts
  readonly #trackers = new Map<string, HeadTracker>()
  readonly #listener: Listener | undefined
  #closed = false

  constructor(parts: HeadsParts) {
    this.#parts = parts
    const wake = (schema: string | undefined): void => this.#wake(schema)
    parts.wakeUps.listen(wake)
    this.#listener = parts.listen ? new Listener(parts.connection, parts.logger, wake) : undefined
  }

  /** Waits until the safe head of `schema` is beyond `after`, and gives it. */
  async wait(schema: string, after: number, signal: AbortSignal | undefined): Promise<number> {
    if (this.#closed) throw storeClosed()
    this.#listener?.start()
    let tracker = this.#trackers.get(schema)
    if (tracker === undefined) {
      const { connection, logger, headReader } = this.#parts
      tracker = new HeadTracker(() => headReader.read(connection, schema, false), logger)
      this.#trackers.set(schema, tracker)
    }
    return tracker.wait(after, signal)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const tracker of this.#trackers.values()) tracker.fail(storeClosed())
    await this.#listener?.close()
  }

  #wake(schema: string | undefined): void {
    if (schema !== undefined) return this.#trackers.get(schema)?.wake()
    for (const tracker of this.#trackers.values()) tracker.wake()
  }
}

function storeClosed(): InvalidStateError {
  return new InvalidStateError('waitForHead: the store is closed.')
}
