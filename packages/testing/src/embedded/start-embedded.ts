import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { EmbeddedPostgres, StartOptions } from '../postgres-server.js'
import { serverSettings, settingArguments } from '../server-settings.js'
import { TestingError } from '../testing-error.js'
import { EmbeddedServer } from './embedded-server.js'
import { findBinaries, type Binaries } from './find-binaries.js'
import { serverAccount, type ServerAccount } from './server-account.js'
import { closedTo, serverFolder, temporaryFolder } from './server-folder.js'
import { stageBinaries } from './stage-binaries.js'
import { Supervisor } from './supervisor.js'

/** Starts a fresh private server from embedded binaries. */
export async function startEmbedded(options: StartOptions): Promise<EmbeddedPostgres> {
  const binaries = findBinaries(options.version)
  const account = serverAccount()
  const dataDirectory = options.dataDirectory === undefined ? undefined : path.resolve(options.dataDirectory)
  const existing = dataDirectory !== undefined && prepareDataDirectory(dataDirectory, binaries, account)
  const password = existing ? readPassword(dataDirectory) : randomBytes(16).toString('hex')
  const supervisor = await Supervisor.start({
    binaries: await stageBinaries(binaries, temporaryFolder()),
    parent: serverFolder(options.durable ?? false),
    dataDirectory,
    password,
    initdbFlags: initdbFlags(binaries.major, dataDirectory !== undefined),
    postgresArguments: settingArguments({ ...serverSettings(options), ...FIXED }),
    account,
  }).catch((error: unknown) => {
    throw new TestingError('START_FAILED', `The server's supervisor did not start: ${String(error)}.`, { cause: error })
  })
  const server = new EmbeddedServer({ supervisor, dataDirectory, password, port: options.port })
  try {
    if (!existing) await server.initialize()
    await server.launch()
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

const FIXED = {
  listen_addresses: '127.0.0.1',
  // No socket file: its path would be too long in some temporary folders, and TCP is what everybody uses.
  unix_socket_directories: '',
  // In the data directory, so that a killed server leaves no shared memory elsewhere.
  dynamic_shared_memory_type: 'mmap',
} as const

function initdbFlags(major: number, kept: boolean): string[] {
  return [
    '-E',
    'UTF8',
    '--no-instructions',
    '--locale=C',
    // Sorts by code point like C, and knows the letters beyond ASCII, which C does not.
    ...(major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
    // The password is random: hashing it 4,096 times would only slow each connection down.
    ...(major >= 16 ? ['--set', 'scram_iterations=1'] : []),
    // Data that goes when the server stops need not survive a power cut.
    ...(kept ? [] : ['--no-sync']),
  ]
}

/** Makes the folder ready for the server's account; true when it holds a cluster already. */
function prepareDataDirectory(folder: string, binaries: Binaries, account: ServerAccount | undefined): boolean {
  if (account) checkReachable(path.dirname(folder), account)
  const versionFile = path.join(folder, 'PG_VERSION')
  if (existsSync(versionFile)) {
    const major = Number.parseInt(readFileSync(versionFile, 'utf8'), 10)
    if (major === binaries.major) return true
    throw new TestingError(
      'INVALID_OPTIONS',
      `${folder} holds data of PostgreSQL ${major} and the binaries are ${binaries.version}; ` +
        `pass version: ${major} or another dataDirectory.`,
    )
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (readdirSync(folder).length > 0) {
    throw new TestingError('INVALID_OPTIONS', `${folder} is neither empty nor a data directory; pass another one.`)
  }
  if (account) chownSync(folder, account.uid, account.gid)
  return false
}

function checkReachable(folder: string, account: ServerAccount): void {
  const closed = closedTo(folder, account)
  if (closed === undefined) return
  throw new TestingError(
    'INVALID_OPTIONS',
    `As root, PostgreSQL runs as the account ${account.uid}, which cannot enter ${closed}; ` +
      'use a dataDirectory elsewhere, or let others enter that folder (chmod o+x).',
  )
}

function readPassword(dataDirectory: string): string {
  const file = path.join(dataDirectory, 'rillflow-password')
  // A data directory from elsewhere has rules of its own; one that asks for a password will say so.
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
}
