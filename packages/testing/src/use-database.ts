import type { Pool, QueryResult, QueryResultRow } from 'pg'
import { afterAll, beforeAll, inject } from 'vitest'
import { createDatabase } from './databases/create-database.js'
import { databaseLog } from './databases/database-log.js'
import { databaseUrl } from './databases/database-names.js'
import { dropDatabase } from './databases/drop-databases.js'
import { endPool, openPool } from './databases/open-pool.js'
import type { DatabaseOptions, TestDatabase } from './databases/test-database.js'
import type { ProvidedServer } from './provided-server.js'
import { TestingError } from './testing-error.js'

const HOOK_TIMEOUT_MS = 60_000

/**
 * Gives the test file, or the `describe` block, that calls it a database of its own, cloned from a migrated template, and
 * drops it afterwards. Call it at the top; the database is there from the first hook or test on. The server comes from
 * `@rillflow/testing/global-setup`.
 *
 * @throws {@link TestingError} `NO_GLOBAL_SETUP` without that setup, `NO_DATABASE` when used before the first hook.
 *
 * @example
 * ```ts
 * const database = useDatabase({ template: 'shop', migrate })
 *
 * test('starts empty', async () => {
 *   const { rows } = await database.query('select * from orders')
 *   expect(rows).toEqual([])
 * })
 * ```
 */
export function useDatabase(options: DatabaseOptions = {}): TestDatabase {
  if (options.template !== undefined && !options.migrate) {
    throw new TestingError(
      'INVALID_OPTIONS',
      `The template "${options.template}" has no migrate to make it; pass both.`,
    )
  }
  const file = new FileDatabase(options.max ?? 5)
  beforeAll(async () => {
    const server = providedServer()
    const { template, migrate } = options
    file.open(server, await createDatabase({ url: server.url, runId: server.runId, template, migrate }))
  }, HOOK_TIMEOUT_MS)
  afterAll(() => file.close(), HOOK_TIMEOUT_MS)
  return file
}

class FileDatabase implements TestDatabase {
  readonly #max: number
  #database: { readonly name: string; readonly server: ProvidedServer } | undefined
  #pool: Pool | undefined

  constructor(max: number) {
    this.#max = max
  }

  get name(): string {
    return this.#opened().name
  }

  get url(): string {
    const { name, server } = this.#opened()
    return databaseUrl(server.url, name)
  }

  get pool(): Pool {
    this.#pool ??= openPool(this.url, this.#max)
    return this.#pool
  }

  query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<QueryResult<Row>> {
    return this.pool.query<Row>(text, [...values])
  }

  async log(): Promise<string> {
    const { name, server } = this.#opened()
    if (server.logFile !== undefined) return await databaseLog(server.logFile, name)
    throw new TestingError(
      'NO_LOG',
      `The log of a server of kind "${server.kind}" cannot be read; set RILLFLOW_TEST_POSTGRES=embedded for this test.`,
    )
  }

  open(server: ProvidedServer, name: string): void {
    this.#database = { name, server }
  }

  async close(): Promise<void> {
    const database = this.#database
    if (!database) return
    if (this.#pool) await endPool(this.#pool)
    this.#pool = undefined
    this.#database = undefined
    await dropDatabase(database.server.url, database.name)
  }

  #opened(): { readonly name: string; readonly server: ProvidedServer } {
    if (this.#database) return this.#database
    throw new TestingError(
      'NO_DATABASE',
      'The database of a test file exists while its hooks and tests run; use it inside one of them.',
    )
  }
}

function providedServer(): ProvidedServer {
  const server = inject('rillflowPostgres') as ProvidedServer | undefined
  if (server) return server
  throw new TestingError(
    'NO_GLOBAL_SETUP',
    "useDatabase found no server: add globalSetup: ['@rillflow/testing/global-setup'] to the project in vitest.config.ts.",
  )
}
