/**
 * Makes an iterable of a generator that may wait for long: leaving the iteration, also while it waits, aborts the signal
 * that `make` is given; and so does `signal`.
 */
export function leavable<Item>(
  make: (signal: AbortSignal) => AsyncGenerator<Item, void, undefined>,
  signal: AbortSignal | undefined,
): AsyncIterable<Item> {
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController()
      const leave = (): void => left.abort(signal?.reason)
      if (signal?.aborted === true) leave()
      signal?.addEventListener('abort', leave, { once: true })
      const generator = make(left.signal)
      // The signal may live as long as the process.
      const forget = (): void => signal?.removeEventListener('abort', leave)
      return {
        async next() {
          try {
            const result = await generator.next()
            if (result.done === true) forget()
            return result
          } catch (error) {
            forget()
            throw error
          }
        },
        async return() {
          forget()
          // First: a generator that waits takes its `return` only when it has ended waiting.
          left.abort()
          return generator.return()
        },
      }
    },
  }
}
