import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { EmbeddedPostgres } from '../postgres-server.js'
import { serverVersion } from '../server-version.js'
import { TestingError } from '../testing-error.js'
import { freePort } from './free-port.js'
import type { Postmaster, Supervisor } from './supervisor.js'

const START_TIMEOUT_MS = 60_000
const LAUNCHES = 5
const STOP_PATIENCE_MS = 15_000
const FINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGQUIT', 'SIGINT']

interface EmbeddedServerOptions {
  readonly supervisor: Supervisor
  /** The caller's own data directory, when there is one. */
  readonly dataDirectory: string | undefined
  readonly password: string
  /** The port asked for; undefined takes a free one. */
  readonly port: number | undefined
}

/** One private server, its supervisor and the folder that goes with it. */
export class EmbeddedServer implements EmbeddedPostgres {
  readonly kind = 'embedded'
  readonly dataDirectory: string
  readonly logFile: string
  readonly #supervisor: Supervisor
  readonly #password: string
  #port: number | undefined
  #postmaster: (Postmaster & { running: boolean }) | undefined
  #version = ''
  #lastLog: string | undefined
  #stopped: Promise<void> | undefined

  constructor(options: EmbeddedServerOptions) {
    this.#supervisor = options.supervisor
    this.#password = options.password
    this.#port = options.port
    this.dataDirectory = options.dataDirectory ?? path.join(options.supervisor.home, 'data')
    this.logFile = path.join(options.supervisor.home, 'server.log')
  }

  get port(): number {
    return this.#port ?? this.#notRunning()
  }

  get pid(): number {
    return this.#postmaster?.pid ?? this.#notRunning()
  }

  get version(): string {
    return this.#version
  }

  get url(): string {
    const login = this.#password ? `postgres:${this.#password}` : 'postgres'
    return `postgresql://${login}@127.0.0.1:${this.port}/postgres`
  }

  async log(): Promise<string> {
    return this.#lastLog ?? (await readFile(this.logFile, 'utf8').catch(() => ''))
  }

  async initialize(): Promise<void> {
    const status = await this.#supervisor.initialize()
    if (status === 0) return
    const hint =
      status === 126 || status === 127
        ? ' The binaries could not be executed: the temporary folder may forbid it (set TMPDIR), ' +
          'or the system may not have glibc, as Alpine (set DATABASE_URL).'
        : ''
    throw await this.#failure('INIT_FAILED', `initdb ended with status ${status}.${hint}`)
  }

  /** Starts the postmaster and waits until a query works. */
  async launch(): Promise<void> {
    this.#supervisor.ref()
    try {
      const fixedPort = this.#port
      for (let attempt = 1; ; attempt++) {
        this.#port = fixedPort ?? (await freePort())
        const before = (await this.log()).length
        if (await this.#launchOnce()) return
        const said = (await this.log()).slice(before)
        await this.#judge(said, { again: attempt < LAUNCHES, portIsFixed: fixedPort !== undefined })
      }
    } finally {
      this.#supervisor.unref()
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const postmaster = this.#postmaster
    if (!postmaster?.running) this.#notRunning()
    this.#supervisor.ref()
    send(postmaster.pid, signal)
    if (FINAL_SIGNALS.includes(signal)) await postmaster.exited
    this.#supervisor.unref()
  }

  async restart(): Promise<void> {
    if (this.#stopped) this.#notRunning()
    await this.#halt()
    await this.launch()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    await this.#halt()
    this.#lastLog = await this.log()
    await this.#supervisor.end()
  }

  /** Fast shutdown; a server that does not obey is told more plainly. */
  async #halt(): Promise<void> {
    const postmaster = this.#postmaster
    this.#supervisor.ref()
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
      if (!postmaster?.running) return
      send(postmaster.pid, signal)
      // A server that a test has frozen heeds nothing before it goes on.
      send(postmaster.pid, 'SIGCONT')
      await Promise.race([postmaster.exited, pause(STOP_PATIENCE_MS, undefined, { ref: false })])
    }
  }

  /** True when the server answers, false when it ended before that. */
  async #launchOnce(): Promise<boolean> {
    const launched = await this.#supervisor.run(this.port)
    const postmaster = { ...launched, running: true }
    this.#postmaster = postmaster
    void launched.exited.then(() => (postmaster.running = false))
    const deadline = performance.now() + START_TIMEOUT_MS
    let reason: unknown = 'it did not become ready'
    while (postmaster.running) {
      try {
        // Before it is ready, whoever answers on the port is another server.
        if (await this.#isReady(postmaster.pid)) {
          this.#version = await serverVersion(this.url)
          return true
        }
      } catch (error) {
        reason = error
      }
      if (isRefusal(reason))
        throw await this.#failure('START_FAILED', `The server refuses its owner: ${String(reason)}.`)
      if (performance.now() > deadline) {
        const seconds = START_TIMEOUT_MS / 1_000
        throw await this.#failure('START_FAILED', `The server answered no query in ${seconds} s: ${String(reason)}.`)
      }
      await Promise.race([pause(10), launched.exited])
    }
    return false
  }

  /** Whether this postmaster has its port and takes connections, as its lock file tells. */
  async #isReady(pid: number): Promise<boolean> {
    const lines = (await readFile(path.join(this.dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
  }

  /** Says why a server ended while it started, unless another attempt may do. */
  async #judge(said: string, { again, portIsFixed }: { again: boolean; portIsFixed: boolean }): Promise<void> {
    // The backends of a killed server need a moment to notice; until then they hold its shared memory.
    const held = said.includes('pre-existing shared memory block')
    const portTaken = said.includes('could not create any TCP/IP sockets')
    if (again && held) return await pause(500)
    if (portTaken && portIsFixed) {
      throw await this.#failure(
        'PORT_TAKEN',
        `Port ${this.port} on 127.0.0.1 is in use: stop what listens there, or leave \`port\` out to get a free one.`,
      )
    }
    if (again && portTaken) return
    throw await this.#failure('START_FAILED', 'The server ended while it was starting.')
  }

  async #failure(code: 'INIT_FAILED' | 'PORT_TAKEN' | 'START_FAILED', message: string): Promise<TestingError> {
    const tail = (await this.log()).trimEnd().split('\n').slice(-20).join('\n')
    return new TestingError(code, tail ? `${message}\nThe server's last log lines:\n${tail}` : message)
  }

  #notRunning(): never {
    throw new TestingError(
      'NOT_RUNNING',
      'The embedded server is not running; start another one, or restart() this one.',
    )
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It ended in this moment, which its supervisor is about to tell.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Whether the server has let nobody in for a reason that waiting does not mend: class 28, invalid authorization. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('28')
}
