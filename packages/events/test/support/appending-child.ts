import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** What a child is asked to append. */
export interface Word {
  readonly streamId: string
  readonly n: number
  readonly idempotencyKey?: string | undefined
}

/** A process of its own that appends at a word; made of the fixture `append-on-word`. */
export class AppendingChild implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #answers: unknown[] = []
  readonly #waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = []

  private constructor(file: string, args: readonly string[]) {
    this.#process = fork(file, [...args], { execArgv: [] })
    this.#process.on('message', (answer) => {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#answers.push(answer)
      else waiting.resolve(answer)
    })
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the child ended with ${code}`))
    })
  }

  /** Starts one, and returns when it is connected. */
  static async start(file: string, url: string, schema: string): Promise<AppendingChild> {
    const child = new AppendingChild(file, [url, schema])
    await child.#next()
    return child
  }

  /** Appends and gives the result, or the code of the error. */
  async append(word: Word): Promise<unknown> {
    this.#process.send(word)
    return this.#next()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
  }

  #next(): Promise<unknown> {
    if (this.#answers.length > 0) return Promise.resolve(this.#answers.shift())
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }
}
