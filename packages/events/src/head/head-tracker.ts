import { isRillflowError, type Logger } from '@rillflow/core'

/** Between looks, in milliseconds: short right after a wake-up, when a writer may still hold the head, then rising. */
const polling = { first: 5, most: 1_000 }

interface Waiter {
  readonly after: number
  readonly resolve: (head: number) => void
  readonly reject: (error: Error) => void
}

/**
 * Knows the safe head of one schema for all who wait for it in this process. It looks only while somebody waits: at each
 * wake-up, and by polling, which slows down to one look a second.
 */
export class HeadTracker {
  readonly #look: () => Promise<number>
  readonly #logger: Logger
  readonly #waiters = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined
  #pause: number = polling.most
  #looking = false
  #lookAgain = false

  constructor(look: () => Promise<number>, logger: Logger) {
    this.#look = look
    this.#logger = logger
  }

  /** Waits until the safe head is beyond `after`, and gives it. */
  async wait(after: number, signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', abort)
        if (this.#waiters.size === 0) clearTimeout(this.#timer)
      }
      const abort = (): void => waiter.reject(signal?.reason as Error)
      const waiter: Waiter = {
        after,
        resolve: (head) => {
          end()
          resolve(head)
        },
        reject: (error) => {
          end()
          reject(error)
        },
      }
      this.#waiters.add(waiter)
      signal?.addEventListener('abort', abort, { once: true })
      this.wake()
    })
  }

  /** Ends the waiting of all, with this error. */
  fail(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error)
  }

  /** Something may have been appended. */
  wake(): void {
    this.#pause = polling.first
    void this.#check()
  }

  /** Looks once at a time; a wake-up during a look asks for another, for it may tell of something later. */
  async #check(): Promise<void> {
    if (this.#waiters.size === 0) return
    this.#lookAgain = this.#looking
    if (this.#looking) return
    this.#looking = true
    clearTimeout(this.#timer)
    try {
      this.#tell(await this.#look())
    } catch (error) {
      if (isRillflowError(error, 'SequenceBehind')) return this.fail(error)
      // The readers' own statements meet the same trouble and tell it; waiting goes on.
      this.#logger.warn({ err: error }, 'the head could not be read; trying again')
    } finally {
      this.#looking = false
    }
    if (this.#lookAgain) return this.#check()
    this.#schedule()
  }

  #tell(head: number): void {
    for (const waiter of this.#waiters) if (head > waiter.after) waiter.resolve(head)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#waiters.size === 0) return
    this.#timer = setTimeout(() => void this.#check(), this.#pause)
    this.#pause = Math.min(this.#pause * 2, polling.most)
  }
}
