import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { SchemaComponent } from '@rillflow/core'

const script = fileURLToPath(new URL('../fixtures/sync-child.mjs', import.meta.url))

/** What a starter came to: the steps it applied itself, or its error. */
export interface ChildOutcome {
  readonly applied?: readonly string[]
  readonly error?: string
}

/** A process of its own that syncs when it is told to. */
export class SyncChild {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface
  #errors = ''

  constructor(job: { url: string; schema: string; components: readonly SchemaComponent[] }) {
    requireBuild()
    this.#process = spawn(process.execPath, [script, JSON.stringify(job)], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.#reader = createInterface(this.#process.stdout)
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** Returns once the process is up and stands before its sync. */
  async ready(): Promise<void> {
    await this.#line()
  }

  go(): void {
    this.#process.stdin.write('go\n')
  }

  async outcome(): Promise<ChildOutcome> {
    return JSON.parse(await this.#line()) as ChildOutcome
  }

  /** Ends the process as a crash does, and returns when it is gone. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next()
    if (next.done === true) throw new Error(`the child ended before its line: ${this.#errors}`)
    return next.value
  }
}

function requireBuild(): void {
  for (const built of ['../../dist/index.js', '../../../core/dist/index.js']) {
    if (existsSync(new URL(built, import.meta.url))) continue
    throw new Error('The child processes run the built packages: run `pnpm --filter @rillflow/schema... build` first.')
  }
}
