import { randomBytes } from 'node:crypto'
import { startPostgres } from '@rillflow/testing'
import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { findPgBouncer } from './find-pgbouncer.js'
import { PgBouncer } from './pgbouncer.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server of the run, through a pooler. */
    rillflowPooler: ProvidedContext['rillflowPostgres']
  }
}

/**
 * Starts a server and a PgBouncer in front of it for a run of the integration tests. Databases are made and dropped past the
 * pooler. Its sessions are more than the most that a test holds at once, for races are held by holding transactions.
 */
export async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const found = await findPgBouncer()
  if ('reason' in found) throw new Error(found.reason)
  const server = await startPostgres({ from: 'embedded', settings: { max_connections: 200 } })
  const bouncer = await PgBouncer.start(found, server.url, { default_pool_size: 24, server_idle_timeout: 5 })
  const { url, logFile } = server
  const provided = { url, kind: 'embedded', runId: randomBytes(4).toString('hex'), logFile } as const
  project.provide('rillflowPostgres', provided)
  project.provide('rillflowPooler', { ...provided, url: bouncer.url } satisfies ProvidedContext['rillflowPooler'])
  return async () => {
    await bouncer[Symbol.asyncDispose]()
    await server.stop()
  }
}
