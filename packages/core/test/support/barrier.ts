/** Holds everybody back until `parties` have arrived; open for good from then on. */
export function barrier(parties: number): () => Promise<void> {
  const { promise, open } = gate()
  let arrived = 0
  return async () => {
    arrived += 1
    if (arrived >= parties) open()
    await promise
  }
}

/** A promise that waits for `open`. */
export function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open: () => open() }
}
