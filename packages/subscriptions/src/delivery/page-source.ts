import type { Scope } from '@rillflow/core'
import type { Feed, FeedPage } from '@rillflow/events'

/** Reads the feed page by page, from a checkpoint on, and waits at its end. */
export class PageSource {
  readonly #feed: Feed
  readonly #scope: Scope
  readonly #waitForHead: (after: number, signal: AbortSignal) => Promise<number>
  readonly #pageSize: number
  #cursor: number
  #head = 0

  constructor(of: {
    readonly feed: Feed
    readonly scope: Scope
    readonly waitForHead: (after: number, signal: AbortSignal) => Promise<number>
    readonly pageSize: number
    readonly after: number
  }) {
    this.#feed = of.feed
    this.#scope = of.scope
    this.#waitForHead = of.waitForHead
    this.#pageSize = of.pageSize
    this.#cursor = of.after
  }

  /** The safe head, as it was last read. */
  get head(): number {
    return this.#head
  }

  /** The next page; waits until there is something behind the last one. Rejects when the signal is aborted. */
  async next(signal: AbortSignal): Promise<FeedPage> {
    signal.throwIfAborted()
    if (this.#cursor >= this.#head) this.#head = await this.#waitForHead(Math.max(this.#cursor, this.#head), signal)
    const range = { after: this.#cursor, to: this.#head, limit: this.#pageSize }
    const page = await this.#feed.read(this.#scope, range)
    // What cannot be read is handed out once, and is no reason to stand still.
    this.#cursor = page.unreadable?.event.position ?? page.through
    return page
  }

  /** One event again. */
  async again(position: number): Promise<FeedPage> {
    return this.#feed.read(this.#scope, { after: position - 1, to: position, limit: 1 })
  }
}
