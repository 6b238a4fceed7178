import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

/** One run of pgbench. */
export interface PgbenchRun {
  readonly url: string
  /** A pgbench script: one transaction. */
  readonly script: string
  readonly clients: number
  readonly seconds: number
}

/** What pgbench tells of a run. */
export interface PgbenchFigures {
  readonly perSecond: number
  readonly transactions: number
}

/** Runs the script in `clients` connections, prepared: what C can get out of it. */
export async function pgbench({ url, script, clients, seconds }: PgbenchRun): Promise<PgbenchFigures> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rillflow-pgbench-'))
  try {
    const file = path.join(folder, 'script.sql')
    await writeFile(file, script)
    const threads = Math.min(clients, 2)
    const args = [
      '-n',
      '-M',
      'prepared',
      '-c',
      clients,
      '-j',
      threads,
      '-T',
      Math.ceil(seconds),
      '-D',
      'count=0',
      '-f',
      file,
      url,
    ]
    const { stdout } = await promisify(execFile)(await findPgbench(), args.map(String))
    return {
      perSecond: figure(stdout, /^tps = ([\d.]+)/m),
      transactions: figure(stdout, /^number of transactions actually processed: (\d+)/m),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws Error `not installed …`, which the table shows. */
export async function findPgbench(): Promise<string> {
  const debian = await readdir('/usr/lib/postgresql').catch((): string[] => [])
  const candidates = ['pgbench', ...debian.map((version) => `/usr/lib/postgresql/${version}/bin/pgbench`)]
  const found = candidates.find((each) => spawnSync(each, ['--version']).status === 0)
  if (found) return found
  throw new Error('not installed: pgbench (Debian: postgresql-contrib)')
}

function figure(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error('pgbench gave no figure.')
  return Number(found)
}
