import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import type { PgBouncerBinary } from './find-pgbouncer.js'
import { PgBouncer, type PgBouncerSettings } from './pgbouncer.js'

/** A server, and poolers in front of it. */
export interface Poolers {
  /** On the server itself, past the poolers. */
  readonly direct: pg.Pool
  readonly server: EmbeddedPostgres
  /** The same on another of its databases. */
  directOf(database: string): pg.Pool
  /** Starts a pooler in front of it, or of what stands in front of it at this URL; it ends with the file. */
  start(settings?: PgBouncerSettings, target?: string): Promise<PgBouncer>
  /** A pool of the test's own, which survives connections that are cut; it ends with the file. */
  pool(config: pg.PoolConfig): pg.Pool
}

/** Starts a server before the tests of the file, and ends it after them with all that was started in front of it. */
export function usePoolers(binary: PgBouncerBinary | undefined): Poolers {
  let server: EmbeddedPostgres | undefined
  let direct: pg.Pool | undefined
  const ending: (() => Promise<void>)[] = []
  const pool = (config: pg.PoolConfig): pg.Pool => {
    const made = new pg.Pool(config)
    made.on('error', () => undefined)
    made.on('connect', (client) => void client.on('error', () => undefined))
    ending.push(() => made.end())
    return made
  }
  beforeAll(async () => {
    if (binary === undefined) return
    server = await startPostgres({ from: 'embedded', settings: { max_connections: 100 } })
    direct = pool({ connectionString: server.url, max: 4 })
  })
  afterAll(async () => {
    for (const end of ending.splice(0).toReversed()) await end()
    await server?.stop()
  })
  return {
    get direct() {
      return present(direct)
    },
    get server() {
      return present(server)
    },
    directOf(database) {
      const url = new URL(present(server).url)
      url.pathname = database
      return pool({ connectionString: url.href, max: 1, application_name: 'past the pooler' })
    },
    async start(settings, target) {
      const started = await PgBouncer.start(present(binary), target ?? present(server).url, settings)
      ending.push(() => started[Symbol.asyncDispose]())
      return started
    },
    pool,
  }
}

function present<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('usePoolers: it is there in hooks and tests alone.')
  return part
}
