import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { ServerAccount } from './server-account.js'
import { SupervisorAnswers } from './supervisor-answers.js'
import { SUPERVISOR_SCRIPT } from './supervisor-script.js'

/** What a supervisor needs to know when it starts. */
export interface SupervisorOptions {
  readonly binaries: string
  readonly parent: string
  readonly dataDirectory: string | undefined
  readonly password: string
  readonly initdbFlags: readonly string[]
  readonly postgresArguments: readonly string[]
  readonly account: ServerAccount | undefined
}

/** A postmaster that a supervisor has launched; `exited` resolves once it has ended. */
export interface Postmaster {
  readonly pid: number
  readonly exited: Promise<void>
}

/** The shell process that owns one server and outlives this process for as long as it takes to clean up. */
export class Supervisor {
  readonly home: string
  readonly #handles: readonly { ref(): unknown; unref(): unknown }[]
  readonly #input: Writable
  readonly #answers: SupervisorAnswers

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, answers: SupervisorAnswers, home: string) {
    // Node makes the pipes of a child as sockets, which is what lets them be unreferenced.
    this.#handles = [child, child.stdin as Socket, child.stdout as Socket]
    this.#input = child.stdin
    this.#answers = answers
    this.home = home
  }

  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const args = [options.parent, options.dataDirectory ?? '', ...options.postgresArguments]
    const child = spawn('/bin/sh', ['-c', SUPERVISOR_SCRIPT, 'rillflow-postgres', ...args], {
      ...options.account,
      // The caller's folder may be closed to the server's account.
      cwd: '/',
      env: {
        PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
        LC_ALL: 'C',
        TZ: 'UTC',
        RILLFLOW_BIN: `${options.binaries}/bin`,
        RILLFLOW_PASSWORD: options.password,
        RILLFLOW_INITDB: options.initdbFlags.join(' '),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
      // Its own process group: Ctrl-C in the terminal is for the caller, whose end the pipe tells.
      detached: true,
    })
    child.stdin.on('error', () => {})
    const answers = new SupervisorAnswers(child)
    return new Supervisor(child, answers, await answers.next('home'))
  }

  /** Runs `initdb` and returns its exit status. */
  async initialize(): Promise<number> {
    this.#input.write('init\n')
    return Number(await this.#answers.next('init'))
  }

  async run(port: number): Promise<Postmaster> {
    this.#input.write(`run ${port}\n`)
    const pid = Number(await this.#answers.next('pid'))
    const exited = this.#answers.next('exit').then(
      () => {},
      () => {},
    )
    return { pid, exited }
  }

  /** Lets the supervisor stop what still runs and remove the folder, and waits for it. */
  async end(): Promise<void> {
    this.ref()
    this.#input.end()
    await this.#answers.closed
  }

  /** While work is under way the process must stay for its outcome; a server that merely runs must not keep it. */
  ref(): void {
    for (const each of this.#handles) each.ref()
  }

  unref(): void {
    for (const each of this.#handles) each.unref()
  }
}
