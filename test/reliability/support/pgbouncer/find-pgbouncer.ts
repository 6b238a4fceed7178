import { execFile } from 'node:child_process'
import { access, constants, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A PgBouncer that can be started; the folder holds libraries that the system does not have. */
export interface PgBouncerBinary {
  readonly program: string
  readonly libraries: string | undefined
  /** Such as `1.18.0`. */
  readonly version: string
}

/** Why there is none. */
export interface NoPgBouncer {
  readonly reason: string
}

/**
 * Finds PgBouncer: the one in `RILLFLOW_TEST_PGBOUNCER`, else an installed one, else the package of the Debian that this
 * is, fetched without installing anything and kept beside the binaries of the embedded server.
 */
export async function findPgBouncer(): Promise<PgBouncerBinary | NoPgBouncer> {
  const named = process.env['RILLFLOW_TEST_PGBOUNCER']
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin']
  for (const program of named ? [named] : folders.map((folder) => path.join(folder, 'pgbouncer'))) {
    const version = await versionOf(program, undefined)
    if (version !== undefined) return { program, libraries: undefined, version }
  }
  if (named) return { reason: `RILLFLOW_TEST_PGBOUNCER is ${named}, which cannot be run` }
  try {
    return await fetched()
  } catch (error) {
    const { message } = error as Error
    return { reason: `PgBouncer is not installed, and could not be fetched: ${message.split('\n', 1)[0]}` }
  }
}

async function versionOf(program: string, libraries: string | undefined): Promise<string | undefined> {
  try {
    await access(program, constants.X_OK)
    const { stdout } = await run(program, ['--version'], { env: withLibraries(libraries) })
    return /PgBouncer (\S+)/.exec(stdout)?.[1]
  } catch {
    return undefined
  }
}

/** The environment in which a fetched program finds its libraries. */
export function withLibraries(libraries: string | undefined): NodeJS.ProcessEnv {
  return libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries }
}

/** As root, one that every account can enter: `TMPDIR` may lie where only root can. */
export const temporaryFolder = process.getuid?.() === 0 ? '/tmp' : tmpdir()

const packages = ['pgbouncer', 'libevent-2.1-7', 'libc-ares2']

async function fetched(): Promise<PgBouncerBinary> {
  const target = path.join(temporaryFolder, `rillflow-pgbouncer-${process.arch}-${process.getuid?.() ?? 0}`)
  if (!(await isOurs(target))) await fetchInto(target)
  const program = path.join(target, 'usr/sbin/pgbouncer')
  const folders = await readdir(path.join(target, 'usr/lib'), { withFileTypes: true })
  const libraries = folders.filter((each) => each.isDirectory()).map((each) => path.join(target, 'usr/lib', each.name))
  const version = await versionOf(program, libraries.join(':'))
  if (version === undefined) throw new Error(`${program} cannot be run; remove ${target} to have it fetched again`)
  return { program, libraries: libraries.join(':'), version }
}

/** What others could have put there is not run. */
async function isOurs(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined)
  if (stats === undefined) return false
  if (stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0) return true
  throw new Error(`${folder} is not a folder that only this user can change`)
}

async function fetchInto(target: string): Promise<void> {
  const folder = await mkdtemp(`${target}.`)
  try {
    await run('apt-get', ['download', ...packages], { cwd: folder, timeout: 20_000 })
    for (const file of await readdir(folder)) await run('dpkg-deb', ['-x', file, 'root'], { cwd: folder })
    await run('chmod', ['-R', 'u=rwX,go=rX', 'root'], { cwd: folder })
    await rename(path.join(folder, 'root'), target).catch(async (error: unknown) => {
      // Another process was faster.
      if (!(await isOurs(target))) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
