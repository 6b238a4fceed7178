/**
 * One attempt at an event, which may be ended before its handler is done. Its signal is made when somebody asks for it: few
 * handlers do, and it would cost more than all else that is done for an event.
 */
export class Attempt {
  #controller: AbortController | undefined
  #end: { readonly reason: unknown } | undefined
  #reject: (reason: unknown) => void = () => undefined

  get isAborted(): boolean {
    return this.#end !== undefined
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#end !== undefined) this.#controller.abort(this.#end.reason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    if (this.#end !== undefined) return
    this.#end = { reason }
    this.#controller?.abort(reason)
    this.#reject(reason)
  }

  /** Resolves with the handler; rejects when the attempt is aborted, and leaves behind a handler that does not heed it. */
  async until(handled: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      handled.then(resolve, reject)
    })
  }
}
