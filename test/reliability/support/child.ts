import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const scripts = {
  writer: new URL('./children/writer.mjs', import.meta.url),
  reader: new URL('./children/reader.mjs', import.meta.url),
  contender: new URL('./children/contender.mjs', import.meta.url),
}

type Script = keyof typeof scripts

/** The longest that a test waits for one answer of a child. */
const patienceMs = process.env['RILLFLOW_LONG'] === '1' ? 590_000 : 280_000

interface Message {
  readonly kind: string
  readonly result?: unknown
  readonly error?: string
  readonly cause?: string
}

/** A process of its own that runs one of the scripts. It watches the channel to this process, and ends when that ends. */
export class Child<Result> {
  readonly #process: ChildProcess
  readonly #ready: Promise<void>
  readonly #done: Promise<Result>

  constructor(script: Script, job: object) {
    requireBuild()
    this.#process = fork(fileURLToPath(scripts[script]), { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    let errors = ''
    this.#process.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const answer = (kind: string): Promise<Message> => this.#answer(kind, script, () => errors)
    this.#ready = answer('ready').then(() => undefined)
    this.#done = answer('done').then((message) => message.result as Result)
    // Each is looked at when the test comes to it; a child may fail before that.
    this.#ready.catch(() => undefined)
    this.#done.catch(() => undefined)
    this.send('job', { job })
  }

  /** Resolves when the child stands before its work and waits for `go`. */
  ready(): Promise<void> {
    return this.#ready
  }

  /** Resolves with what the work returned. */
  done(): Promise<Result> {
    return this.#done
  }

  send(kind: string, message: object = {}): void {
    // The callback takes the error of a channel that closed; `done` tells what became of the child.
    this.#process.send({ ...message, kind }, () => undefined)
  }

  /** Ends the process at once and returns when it is gone. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }

  #answer(kind: string, script: Script, errors: () => string): Promise<Message> {
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => reject(new Error(`${script} ${what} before "${kind}"\n${errors()}`))
      const timer = setTimeout(() => fail(`took more than ${patienceMs / 1_000} s`), patienceMs)
      timer.unref()
      this.#process.on('message', (message: Message) => {
        if (message.kind === kind) resolve(message)
        else if (message.kind === 'failed') fail(`failed (${message.error}, cause: ${message.cause})`)
      })
      this.#process.once('error', (error) => fail(`could not run (${error.message})`))
      // Not 'exit', which may come before the last message.
      this.#process.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
        clearTimeout(timer)
        fail(`ended with ${signal ?? code}`)
      })
    })
  }
}

/** Runs `work` with children that are gone when it ends, however it ends. */
export async function withChildren<Result>(
  work: (start: <Answer>(script: Script, job: object) => Child<Answer>) => Promise<Result>,
): Promise<Result> {
  const children: { kill(): Promise<void> }[] = []
  try {
    return await work(<Answer>(script: Script, job: object) => {
      const child = new Child<Answer>(script, job)
      children.push(child)
      return child
    })
  } finally {
    await Promise.all(children.map((child) => child.kill()))
  }
}

function requireBuild(): void {
  for (const name of ['core', 'documents', 'events']) {
    if (existsSync(new URL(`../../../packages/${name}/dist/index.js`, import.meta.url))) continue
    throw new Error('The child processes run the built packages: run `pnpm build` first.')
  }
}
