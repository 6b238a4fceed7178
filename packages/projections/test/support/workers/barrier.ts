/** Where somebody waits until a test lets him go on. */
export interface Barrier {
  /** Tells that one has come, and waits. */
  readonly pass: () => Promise<void>
  /** Resolves when the first one has come. */
  readonly reached: Promise<void>
  readonly open: () => void
}

/** A barrier that is shut. */
export function barrier(): Barrier {
  const came = deferred()
  const opened = deferred()
  return {
    reached: came.promise,
    open: opened.resolve,
    pass: async () => {
      came.resolve()
      await opened.promise
    },
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
