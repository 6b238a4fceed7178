import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

interface Waiter {
  resolve(rest: string): void
  reject(error: Error): void
}

/** The lines that a supervisor prints, each waited for by its first word. */
export class SupervisorAnswers {
  /** Resolves when the supervisor has gone. */
  readonly closed: Promise<void>
  readonly #received = new Map<string, string[]>()
  readonly #waiting = new Map<string, Waiter[]>()
  #failure: Error | undefined

  constructor(child: { readonly stdout: Readable } & Pick<ChildProcess, 'once'>) {
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(line))
    this.closed = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#fail(error)
        resolve()
      })
      child.once('close', (status, signal) => {
        this.#fail(new Error(`The shell that supervises the server ended with ${signal ?? `status ${status}`}.`))
        resolve()
      })
    })
  }

  /** The rest of the next line that starts with this word. */
  next(word: string): Promise<string> {
    const rest = this.#received.get(word)?.shift()
    if (rest !== undefined) return Promise.resolve(rest)
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.set(word, [...(this.#waiting.get(word) ?? []), { resolve, reject }])
    })
  }

  #receive(line: string): void {
    const space = line.indexOf(' ')
    const [word, rest] = [line.slice(0, space), line.slice(space + 1)]
    const waiter = this.#waiting.get(word)?.shift()
    if (waiter) waiter.resolve(rest)
    else this.#received.set(word, [...(this.#received.get(word) ?? []), rest])
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const waiter of [...this.#waiting.values()].flat()) waiter.reject(this.#failure)
    this.#waiting.clear()
  }
}
