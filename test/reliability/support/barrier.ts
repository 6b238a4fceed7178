/** Holds each that arrives until `count` have; after that it holds nobody. */
export function barrier(count: number): () => Promise<void> {
  let missing = count
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return async () => {
    missing -= 1
    if (missing <= 0) open()
    await opened
  }
}
