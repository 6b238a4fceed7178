import { statfs } from 'node:fs/promises'
import { startPostgres, type PostgresMajor } from '@rillflow/testing'
import pg from 'pg'

// Roomy enough that no checkpoint falls into one contender's round, and that two million events lie in memory, as they do
// on a server of their own. The same for all; the rest is PostgreSQL's default.
const SETTINGS = {
  max_connections: 200,
  shared_buffers: '2GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
} as const
const TOLD = ['fsync', 'synchronous_commit', 'full_page_writes', ...Object.keys(SETTINGS)]
const TMPFS = 0x01021994

/** A database of the server. */
export interface Database {
  readonly name: string
  readonly url: string
}

/** The benchmark's own server, on durable settings. */
export interface BenchServer extends AsyncDisposable {
  readonly version: string
  /** The settings that matter, as the server tells them. */
  readonly settings: Readonly<Record<string, string>>
  createDatabase(): Promise<Database>
  /** The database that suites share under a name: made when it is first asked for, and kept until the server stops. */
  sharedDatabase(name: string): Promise<Database>
  dropDatabase(name: string): Promise<void>
  /** Gets the seeding's writes out of the way of the first round. */
  settle(): Promise<void>
}

/** Starts a private server whose commits reach a real disk. */
export async function startServer(version: PostgresMajor | undefined): Promise<BenchServer> {
  const server = await startPostgres({ from: 'embedded', durable: true, version, settings: SETTINGS })
  const pool = new pg.Pool({ connectionString: server.url, max: 1 })
  pool.on('error', () => undefined)
  const stop = async (): Promise<void> => {
    await pool.end()
    await server.stop()
  }
  try {
    const settings = await readSettings(pool)
    await refuseWeakGround(settings, server.dataDirectory)
    return { version: server.version, settings, ...databases(pool, server.url), [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function databases(pool: pg.Pool, serverUrl: string) {
  let count = 0
  const shared = new Map<string, Database>()
  const createDatabase = async (): Promise<Database> => {
    const name = `bench_${(count += 1)}`
    await pool.query(`create database ${name}`)
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    return { name, url: url.href }
  }
  return {
    createDatabase,
    sharedDatabase: async (name: string) => {
      const database = shared.get(name) ?? (await createDatabase())
      shared.set(name, database)
      return database
    },
    dropDatabase: async (name: string) => {
      await pool.query(`drop database ${name} with (force)`)
    },
    settle: async () => {
      await pool.query('checkpoint')
    },
  }
}

async function readSettings(pool: pg.Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from pg_settings where name = any($1) order by name',
    [TOLD],
  )
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

async function refuseWeakGround(settings: Record<string, string>, folder: string): Promise<void> {
  const off = ['fsync', 'synchronous_commit', 'full_page_writes'].filter((name) => settings[name] !== 'on')
  if (off.length > 0)
    throw new Error(`The server runs with ${off.join(', ')} off; a figure without durability is none.`)
  // A number on Linux only means what it says here; elsewhere none equals it.
  if ((await statfs(folder)).type === TMPFS) {
    throw new Error('The data folder lies in memory, where a commit costs nothing; set TMPDIR to a folder on a disk.')
  }
}
