import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { until } from './until.js'
import type { Word } from './words.js'

/** How a process ended. */
interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process of its own that does a job by `runJob`. It ends when its parent does. */
export class JobProcess<Report = unknown> {
  /** What it logged. */
  readonly lines: string[] = []
  /** Where it stands or stood. */
  readonly places: string[] = []
  readonly ended: Promise<Ending>
  readonly #process: ChildProcess
  readonly #flag: string
  #ending: Ending | undefined
  #ready = false
  #report: { readonly told: Report } | undefined
  #failure: string | undefined

  /** `file` is what {@link bundleJob} made, `flag` a file that is not there. */
  constructor(file: string, { job, flag }: { readonly job: object; readonly flag: string }) {
    this.#flag = flag
    const args = [JSON.stringify(job), flag]
    this.#process = fork(file, args, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let printed = ''
    this.#process.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    this.#process.on('message', (word: Word) => this.#hear(word))
    // Not 'exit', which may come before the last message.
    this.ended = once(this.#process, 'close').then(([code, signal]) => {
      this.#failure ??= printed === '' ? undefined : printed
      this.#ending = { code: code as number | null, signal: signal as NodeJS.Signals | null }
      return this.#ending
    })
  }

  /** Whether it runs still, frozen or not. */
  get isAlive(): boolean {
    return this.#ending === undefined
  }

  /** Resolves when it has everything open, and begins. */
  async ready(): Promise<void> {
    await this.#until('ready', () => this.#ready)
  }

  /** Resolves when it stands at the place of its job; frozen, if that was to be. */
  async reached(place: string): Promise<void> {
    await this.#until(`at "${place}"`, () => this.places.includes(place))
  }

  /** Resolves when its log has such a line, behind so many others. */
  async logged(line: RegExp, behind = 0): Promise<void> {
    await this.#until(`logging ${String(line)}`, () => this.lines.slice(behind).some((each) => line.test(each)))
  }

  /** Stops the whole process where it stands, and returns when it does. */
  async freeze(): Promise<void> {
    this.#process.kill('SIGSTOP')
    await this.frozen()
  }

  /** Resolves when the whole process stands still. */
  async frozen(): Promise<void> {
    await this.#until('frozen', () => stateOf(this.#process.pid ?? 0) === 'T')
  }

  /** Lets it go on, whatever it stands still by. */
  goOn(): void {
    writeFileSync(this.#flag, '')
    this.#process.send('go on', () => undefined)
    this.#process.kill('SIGCONT')
  }

  /** Asks it to end, when it can hear that, and gives its report. */
  async end(): Promise<Report> {
    await this.ready()
    this.#process.kill('SIGTERM')
    return this.report()
  }

  /** Its report, when it has come to its end as it should. */
  async report(): Promise<Report> {
    await until('a process has ended', () => !this.isAlive)
    if (this.#report === undefined) throw new Error(`a process has failed: ${this.told()}`)
    return this.#report.told
  }

  /** Resolves when it has died by its own hand, as its job says. */
  async died(where: string): Promise<void> {
    await until('a process has died', () => !this.isAlive).catch((error: unknown) => {
      throw new Error(`a process has not died ${where}: ${this.told()}`, { cause: error })
    })
    if (this.#ending?.signal !== 'SIGKILL') throw new Error(`a process has not died ${where}: ${this.told()}`)
  }

  /** Ends it at once, and returns when it is gone. */
  async kill(): Promise<void> {
    if (this.isAlive) this.#process.kill('SIGKILL')
    await this.ended
  }

  /** Its last words, for whoever is told of its failure. */
  told(): string {
    const { code, signal } = this.#ending ?? {}
    return `${this.#failure ?? 'without a word'} (${signal ?? code ?? 'alive'})\n${this.lines.slice(-20).join('\n')}`
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    await until(`a process is ${what}`, () => {
      if (isSo()) return true
      if (!this.isAlive) throw new Error(`a process has ended before it was ${what}: ${this.told()}`)
      return false
    })
  }

  #hear(word: Word): void {
    if (word.kind === 'ready') this.#ready = true
    else if (word.kind === 'at') this.places.push(word.place)
    else if (word.kind === 'log') this.lines.push(word.line)
    else if (word.kind === 'done') this.#report = { told: word.report as Report }
    else this.#failure = word.error
  }
}

/** As the kernel tells it: `T` is stopped. */
function stateOf(pid: number): string | undefined {
  const stat = `/proc/${pid}/stat`
  // Systems without it have `ps`.
  if (!existsSync(stat))
    return execFileSync('ps', ['-o', 'state=', '-p', String(pid)])
      .toString()
      .charAt(0)
  return /\) (\w)/.exec(readFileSync(stat, 'utf8'))?.[1]
}
