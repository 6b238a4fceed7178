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
      return {
        next: () => generator.next(),
        async return() {
          signal?.removeEventListener('abort', leave)
          // First: a generator that waits takes its `return` only when it has ended waiting.
          left.abort()
          return generator.return()
        },
      }
    },
  }
}
