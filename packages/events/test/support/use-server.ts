import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import type { Pool } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { bundleFixture, type BundledFixture } from './bundle-fixture.js'
import { openPool } from './open-pool.js'

/** What a test file wants of its server. */
export interface ServerOptions {
  /** The most connections of its pool. */
  readonly max: number
  /** The program of `test/fixtures` that the test runs in processes of their own. */
  readonly fixture?: string | undefined
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** A server of the test file's own, which it may kill; there from the first hook or test on. */
export interface OwnServer {
  readonly pool: Pool
  readonly url: string
  readonly postgres: EmbeddedPostgres
  /** The bundled fixture. */
  readonly file: string
}

/** Starts a server before the tests of the file, and stops it after them. */
export function useServer({ max, fixture, settings }: ServerOptions): OwnServer {
  let postgres: EmbeddedPostgres | undefined
  let pool: Pool | undefined
  let bundled: BundledFixture | undefined
  beforeAll(async () => {
    ;[postgres, bundled] = await Promise.all([
      startPostgres({ from: 'embedded', settings }),
      fixture === undefined ? undefined : bundleFixture(fixture),
    ])
    pool = openPool(postgres.url, max)
  })
  afterAll(async () => {
    await pool?.end()
    await postgres?.stop()
    bundled?.[Symbol.dispose]()
  })
  return {
    get pool() {
      return present(pool)
    },
    get url() {
      return present(postgres).url
    },
    get postgres() {
      return present(postgres)
    },
    get file() {
      return present(bundled).file
    },
  }
}

function present<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('useServer: it is there in hooks and tests alone, and `file` with a fixture.')
  return part
}
