import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { temporaryFolder, withLibraries, type PgBouncerBinary } from './find-pgbouncer.js'

/** Settings of PgBouncer, by their names in its documentation. */
export type PgBouncerSettings = Readonly<Record<string, string | number>>

const startTimeoutMs = 20_000
const launches = 5

/**
 * The shell that holds it: the end of its input, which the kernel brings about however the test ends, ends PgBouncer and
 * removes its folder.
 */
const holding = `
  "$1" -q "$2/pgbouncer.ini" </dev/null >/dev/null 2>"$2/errors" &
  pid=$!
  read -r _
  kill -KILL "$pid" 2>/dev/null
  wait "$pid"
  rm -rf "$2"`

/** A real PgBouncer in transaction mode on 127.0.0.1, in front of one server and all of its databases. */
export class PgBouncer implements AsyncDisposable {
  readonly #holder: ChildProcess
  readonly #folder: string
  readonly #target: URL
  readonly #port: number

  private constructor(holder: ChildProcess, folder: string, target: URL, port: number) {
    this.#holder = holder
    this.#folder = folder
    this.#target = target
    this.#port = port
  }

  /** Starts one in front of the server of this URL, whose user must be a superuser. */
  static async start(binary: PgBouncerBinary, target: string, settings: PgBouncerSettings = {}): Promise<PgBouncer> {
    for (let launch = 1; ; launch += 1) {
      const bouncer = await PgBouncer.#launch(binary, new URL(target), settings)
      const problem = await bouncer.#untilReady()
      if (problem === undefined) return bouncer
      await bouncer[Symbol.asyncDispose]()
      // Its port may have been taken between the look and the start.
      if (launch === launches) throw new Error(`PgBouncer did not start: ${problem}`)
    }
  }

  static async #launch(binary: PgBouncerBinary, target: URL, settings: PgBouncerSettings): Promise<PgBouncer> {
    const folder = await mkdtemp(path.join(temporaryFolder, 'rillflow-bouncer-'))
    const port = Number(settings['listen_port'] ?? (await freePort()))
    const user = decodeURIComponent(target.username)
    await writeFile(path.join(folder, 'users'), `"${user}" "${decodeURIComponent(target.password)}"\n`)
    await writeFile(path.join(folder, 'pgbouncer.ini'), configuration({ folder, target, port, user, settings }))
    const account = accountFor(folder)
    const held = spawn('/bin/sh', ['-c', holding, 'rillflow-pgbouncer', binary.program, folder], {
      ...account,
      env: withLibraries(binary.libraries),
      stdio: ['pipe', 'ignore', 'ignore'],
      // A Ctrl-C in the terminal is for the test, which ends this in its own way.
      detached: true,
    })
    return new PgBouncer(held, folder, target, port)
  }

  /** The server's URL, through the pooler. */
  get url(): string {
    return this.through(this.#target.href)
  }

  /** The URL of any database of the server, through the pooler. */
  through(url: string): string {
    const pooled = new URL(url)
    pooled.host = `127.0.0.1:${this.#port}`
    return pooled.href
  }

  /** Runs a command of PgBouncer's own console, such as `show pools`. */
  async command(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const url = new URL(this.url)
    url.pathname = '/pgbouncer'
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  /** What it has logged. */
  async log(): Promise<string> {
    const read = (file: string): Promise<string> => readFile(path.join(this.#folder, file), 'utf8').catch(() => '')
    return `${await read('errors')}${await read('log')}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return
    const gone = once(this.#holder, 'exit')
    this.#holder.stdin?.end()
    await gone
  }

  /** Undefined when a command was answered, else why not. */
  async #untilReady(): Promise<string | undefined> {
    const deadline = performance.now() + startTimeoutMs
    for (;;) {
      try {
        await this.command('show version')
        return undefined
      } catch (error) {
        const log = await this.log()
        if (/FATAL|ERROR/.test(log) || performance.now() > deadline) return `${String(error)}\n${log}`
      }
      await pause(20)
    }
  }
}

interface Configuration {
  readonly folder: string
  readonly target: URL
  readonly port: number
  readonly user: string
  readonly settings: PgBouncerSettings
}

/** Users beside the first are asked of the server, as roles that a test makes. */
function configuration({ folder, target, port, user, settings }: Configuration): string {
  const all: PgBouncerSettings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: path.join(folder, 'users'),
    auth_user: user,
    auth_query: 'select usename, passwd from pg_shadow where usename = $1',
    admin_users: user,
    logfile: path.join(folder, 'log'),
    pool_mode: 'transaction',
    default_pool_size: 3,
    max_client_conn: 1_000,
    // What a lost server connection costs the next that asks.
    server_login_retry: 1,
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  return `[databases]\n* = host=${target.hostname} port=${target.port}\n[pgbouncer]\n${lines.join('\n')}\n`
}

/** PgBouncer refuses to run as root, which hands it to another account. */
function accountFor(folder: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const number = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  const [uid, gid] = [number('-u'), number('-g')]
  for (const each of [folder, path.join(folder, 'users'), path.join(folder, 'pgbouncer.ini')]) chownSync(each, uid, gid)
  return { uid, gid }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
