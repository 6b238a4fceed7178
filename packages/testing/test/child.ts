import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** What a child tells of its server. */
export interface ServerReport {
  readonly pid: number
  readonly url: string
  readonly version: string
  readonly home: string
}

export interface Child {
  readonly process: ChildProcess
  /** The id of its process group, which holds no other process of the test. */
  readonly group: number
  /** The next line on stdout as JSON; fails when the child ends before it. */
  next<Message>(): Promise<Message>
  /** Resolves with the exit code, or the signal that ended the child. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** What it wrote to stderr. */
  errors(): string
}

export interface ChildOptions {
  /** The built package; this checkout's by default. */
  readonly dist?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  readonly cwd?: string | undefined
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
}

const DIST = fileURLToPath(new URL('../dist/index.js', import.meta.url))

/** Runs code in a Node of its own, in its own process group, with `startPostgres` and `report` at hand. */
export function startChild(code: string, { dist = DIST, env, cwd, account }: ChildOptions = {}): Child {
  if (!existsSync(dist)) throw new Error(`${dist} is missing: run \`pnpm --filter @rillflow/testing build\` first.`)
  const script = `
    import path from 'node:path'
    import { startPostgres } from ${JSON.stringify(pathToFileURL(dist).href)}
    const tell = (message) => console.log(JSON.stringify(message))
    const report = ({ pid, url, version, logFile }) => tell({ pid, url, version, home: path.dirname(logFile) })
    ${code}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    ...account,
    cwd,
    env: { ...process.env, DATABASE_URL: '', RILLFLOW_TEST_POSTGRES: '', NODE_OPTIONS: '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (status, signal) => resolve(signal ?? status))
  })
  if (child.pid === undefined) throw new Error('The child did not start.')
  return {
    process: child,
    group: child.pid,
    ended,
    errors: () => errors,
    async next<Message>() {
      const line = await lines.next()
      if (line.done) throw new Error(`The child ended without an answer: ${errors}`)
      return JSON.parse(line.value) as Message
    },
  }
}

/** Repeats a check until it yields nothing more to object to, for half a minute at most; returns what is left. */
export async function eventually<Objection>(check: () => Objection[]): Promise<Objection[]> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (check().length === 0) return []
    await pause(50)
  }
  return check()
}

/** What is left of a server: its folder, its postmaster, and whoever works in its folder. */
export function leftovers({ pid, home }: Pick<ServerReport, 'pid' | 'home'>): string[] {
  return [
    ...(existsSync(home) ? [`folder ${home}`] : []),
    ...(isAlive(pid) ? [`postmaster ${pid}`] : []),
    ...processesIn(home).map((each) => `process ${each} in ${home}`),
  ]
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A zombie has ended; whether it is reaped is the business of process 1.
  return !existsSync('/proc/self') || !/^State:\s+Z/m.test(readText(`/proc/${pid}/status`))
}

function processesIn(folder: string): string[] {
  if (!existsSync('/proc/self')) return []
  return readdirSync('/proc').filter((each) => /^\d+$/.test(each) && workingFolder(each).startsWith(folder))
}

function workingFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
