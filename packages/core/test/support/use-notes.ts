import { createStore, type ConnectionOptions, type Logger, type RetryOptions } from '@rillflow/core'
import { useDatabase, type TestDatabase } from '@rillflow/testing/vitest'
import pg from 'pg'
import { afterEach, expect } from 'vitest'
import { notes, notesTable } from './notes.js'

/** How one store of a test is made. */
interface StoreSettings {
  readonly connection?: ConnectionOptions | undefined
  readonly logger?: Logger | undefined
  readonly retry?: RetryOptions | undefined
}

/** A database with the table of the notes, and what the tests open on it. */
export interface NotesDatabase {
  readonly database: TestDatabase
  /** A store with `notes`; by URL unless told. Closed after the test. */
  store(settings?: StoreSettings): ReturnType<typeof openStore>
  /** A pool without any listener of the tests, so that an error that nobody takes fails the run. Ended after the test. */
  pool(options?: pg.PoolConfig): pg.Pool
  /** A connected client of the caller's own. Ended after the test. */
  client(): Promise<pg.Client>
  /** The ids that are stored, seen from outside. */
  ids(): Promise<readonly string[]>
  /** Fails when a connection of this database stays inside a transaction. */
  expectNoneInTransaction(): Promise<void>
  /** Waits until a backend is gone, within a bound. */
  untilGone(pid: number): Promise<void>
}

function openStore(database: TestDatabase, settings: StoreSettings) {
  return createStore({ ...settings, connection: settings.connection ?? database.url, modules: { notes: notes() } })
}

/** Gives the file a database with an empty table of notes for each test. */
export function useNotes(): NotesDatabase {
  const database = useDatabase({ template: 'core-notes', migrate })
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
    await database.query('truncate rillflow.notes')
  })

  return {
    database,
    store(settings = {}) {
      const store = openStore(database, settings)
      closing.push(() => store.close())
      return store
    },
    pool(options = {}) {
      const { pool, close } = watchedPool({ connectionString: database.url, max: 2, ...options })
      closing.push(close)
      return pool
    },
    async client() {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      // A test may have lost its connection on purpose; ending it again does nothing.
      closing.push(() => client.end().catch(() => undefined))
      return client
    },
    async ids() {
      const { rows } = await database.query<{ id: string }>('select id from rillflow.notes order by id')
      return rows.map(({ id }) => id)
    },
    async expectNoneInTransaction() {
      // A connection that was thrown away leaves the list when the server sees its socket close.
      await expect.poll(() => inTransaction(database), { timeout: 60_000, interval: 10 }).toEqual([])
    },
    async untilGone(pid) {
      const backends = async (): Promise<unknown> =>
        (await database.query('select 1 from pg_stat_activity where pid = $1', [pid])).rowCount
      await expect.poll(backends, { timeout: 60_000, interval: 5 }).toBe(0)
    },
  }
}

async function migrate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(notesTable('rillflow'))
  await client.end()
}

async function inTransaction(database: TestDatabase): Promise<readonly unknown[]> {
  const { rows } = await database.query<{ state: string; query: string }>(
    `select state, query from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'`,
  )
  return rows
}

/** A pool whose end can be waited for: a database dropped while sockets still close would make them fail. */
function watchedPool(options: pg.PoolConfig): { readonly pool: pg.Pool; readonly close: () => Promise<void> } {
  const pool = new pg.Pool(options)
  const ends: Promise<void>[] = []
  pool.on('connect', (client) => {
    ends.push(new Promise((resolve) => void client.once('end', () => resolve())))
  })
  const close = async (): Promise<void> => {
    if (!pool.ended) await pool.end()
    await Promise.all(ends)
  }
  return { pool, close }
}
