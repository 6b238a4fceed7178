import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'

/** A server of the test file's own; there from the first hook or test on. */
export interface OwnServer {
  readonly url: string
  /** On the server itself, whatever is done to the connections of those that are tested. */
  readonly pool: pg.Pool
}

/** Starts a server before the tests of the file, and stops it after them. */
export function useServer(
  options: {
    readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined
    /** The most connections of its pool; 4 unless told. */
    readonly max?: number | undefined
  } = {},
): OwnServer {
  let server: EmbeddedPostgres | undefined
  let pool: pg.Pool | undefined
  beforeAll(async () => {
    server = await startPostgres({ from: 'embedded', settings: options.settings })
    pool = new pg.Pool({ connectionString: server.url, max: options.max ?? 4 })
    pool.on('error', () => undefined)
  })
  afterAll(async () => {
    await pool?.end()
    await server?.stop()
  })
  return {
    get url() {
      return present(server).url
    },
    get pool() {
      return present(pool)
    },
  }
}

function present<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('useServer: it is there in hooks and tests alone.')
  return part
}
