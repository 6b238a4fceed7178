import { InvalidStateError } from '@rillflow/core'

/** The runs of one store, which end before it does. */
export class Runs {
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<unknown>>()

  /** Starts a run whose signal is aborted by `signal`, and when the store closes. */
  async start(signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#closing.signal.aborted) throw new InvalidStateError('run: the store is closed.')
    const own = new AbortController()
    const end = (event: Event): void => own.abort((event.target as AbortSignal).reason)
    const sources = [this.#closing.signal, ...(signal === undefined ? [] : [signal])]
    for (const source of sources) source.addEventListener('abort', end, { once: true })
    if (signal?.aborted === true) own.abort(signal.reason)
    const running = run(own.signal)
    this.#running.add(running)
    try {
      await running
    } finally {
      this.#running.delete(running)
      for (const source of sources) source.removeEventListener('abort', end)
    }
  }

  /** Ends all runs, and waits for what they have in hand. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#running)
  }
}
