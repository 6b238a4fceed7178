import type { SchemaComponent } from '@rillflow/core'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { SyncChild } from './sync-child.js'

/** A server of the test file's own, with what is started on it. */
export interface TestServer {
  readonly url: string
  readonly pool: pg.Pool
  log(): Promise<string>
  /** A connection of its own, which holds what it holds until the end of the test. */
  connect(): Promise<pg.Client>
  /** Processes that stand before their sync of the schema `app`, named `starter-0` and so on to the server. */
  startChildren(count: number, components: readonly SchemaComponent[]): Promise<readonly SyncChild[]>
  /** The process of that name. */
  child(program: string): SyncChild
}

/** Starts a server for the file; after each test nothing is left of the processes, the connections and the schema `app`. */
export function useServer(): TestServer {
  let server: EmbeddedPostgres
  let pool: pg.Pool
  let started = 0
  const children = new Map<string, SyncChild>()
  const clients: pg.Client[] = []

  beforeAll(async () => {
    server = await startPostgres({ from: 'embedded' })
    pool = new pg.Pool({ connectionString: server.url, max: 4 })
    pool.on('error', () => undefined)
  })

  afterEach(async () => {
    await Promise.all([...children.values()].map((child) => child.kill()))
    children.clear()
    await Promise.all(clients.splice(0).map((client) => client.end()))
    await pool.query(
      `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and application_name ~ '^starter'`,
    )
    await pool.query('drop schema if exists app cascade')
  })

  afterAll(async () => {
    await pool.end()
    await server.stop()
  })

  return {
    get url() {
      return server.url
    },
    get pool() {
      return pool
    },
    log: async () => server.log(),
    async connect() {
      const client = new pg.Client(server.url)
      client.on('error', () => undefined)
      clients.push(client)
      await client.connect()
      return client
    },
    async startChildren(count, components) {
      const made = Array.from({ length: count }, () => {
        const url = new URL(server.url)
        const program = `starter-${started++}`
        url.searchParams.set('application_name', program)
        const child = new SyncChild({ url: url.href, schema: 'app', components })
        children.set(program, child)
        return child
      })
      await Promise.all(made.map((child) => child.ready()))
      return made
    },
    child(program) {
      const child = children.get(program)
      if (child === undefined) throw new Error(`there is no process ${program}`)
      return child
    },
  }
}
