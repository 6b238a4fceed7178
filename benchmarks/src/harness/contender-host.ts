import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Request } from './messages.js'
import type { Round } from './suite.js'

const SCRIPT = fileURLToPath(new URL('contender-process.js', import.meta.url))
const PATIENCE_MS = 5 * 60_000
const TAIL = 2_000

/** The run's handle on one contender's process. */
export class ContenderHost implements AsyncDisposable {
  readonly #child: ChildProcess
  #said = ''

  constructor(suite: string, contender: string) {
    // Peers log as they please; only what they say last is of use, and only when they fail.
    const env = { ...process.env, NODE_ENV: 'production' }
    this.#child = fork(SCRIPT, [suite, contender], { execArgv: ['--expose-gc'], silent: true, env })
    this.#child.stdout?.resume()
    this.#child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.#said = (this.#said + text).slice(-TAIL)))
  }

  async open(url: string, scale: number): Promise<void> {
    await this.#ask({ kind: 'open', url, scale })
  }

  async round(caseName: string, seconds: number): Promise<Round> {
    const round = await this.#ask({ kind: 'round', caseName, seconds })
    if (!round) throw new Error('The round gave no figure.')
    return round
  }

  /** Lets the contender end what it holds; a process that does not is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return
    await this.#ask({ kind: 'close' }, 10_000).catch(() => undefined)
    if (!this.#ended) this.#child.kill('SIGKILL')
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #ask(request: Request, patience = PATIENCE_MS): Promise<Round | undefined> {
    return new Promise((resolve, reject) => {
      const child = this.#child
      if (this.#ended) return reject(this.#death())
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        child.off('message', onMessage).off('exit', onExit)
        act()
      }
      const onExit = (): void => settle(() => reject(this.#death()))
      const onMessage = (answer: Answer): void =>
        settle(() => (answer.kind === 'done' ? resolve(answer.round) : reject(new Error(answer.message))))
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        settle(() => reject(new Error(`no answer to "${request.kind}" within ${patience / 1_000} s`)))
      }, patience)
      child.on('message', onMessage).on('exit', onExit)
      child.send(request, (error) => error && settle(() => reject(error)))
    })
  }

  #death(): Error {
    const last =
      this.#said
        .trimEnd()
        .split('\n')
        .find((line) => /error/i.test(line)) ?? ''
    return new Error(`its process ended${last ? `: ${last.trim()}` : ''}`)
  }
}
