import type { Connection, Logger } from '@rillflow/core'
import { HeadTracker } from './head-tracker.js'
import { Listener } from './listener.js'
import type { WakeUps } from './wake-ups.js'

/** The head trackers of a store, one for each schema, and the one connection that listens for all of them. */
export class Heads {
  readonly #connection: Connection
  readonly #logger: Logger
  readonly #trackers = new Map<string, HeadTracker>()
  readonly #listener: Listener | undefined

  /** `listen` false polls alone. */
  constructor(connection: Connection, logger: Logger, wakeUps: WakeUps, listen: boolean) {
    this.#connection = connection
    this.#logger = logger
    const wake = (schema: string | undefined): void => this.#wake(schema)
    wakeUps.listen(wake)
    this.#listener = listen ? new Listener(connection, logger, wake) : undefined
  }

  /** Waits until the safe head of `schema` is beyond `after`, and gives it. */
  async wait(schema: string, after: number, signal: AbortSignal | undefined): Promise<number> {
    this.#listener?.start()
    let tracker = this.#trackers.get(schema)
    if (tracker === undefined) {
      tracker = new HeadTracker(this.#connection, schema, this.#logger)
      this.#trackers.set(schema, tracker)
    }
    return tracker.wait(after, signal)
  }

  async close(): Promise<void> {
    await this.#listener?.close()
    for (const tracker of this.#trackers.values()) tracker.close()
  }

  #wake(schema: string | undefined): void {
    if (schema !== undefined) return this.#trackers.get(schema)?.wake()
    for (const tracker of this.#trackers.values()) tracker.wake()
  }
}
