import type { TestProject } from 'vitest/node'
import { newRunId } from './databases/database-names.js'
import { dropDatabasesOfRun } from './databases/drop-databases.js'
import { startPostgres } from './start-postgres.js'

export type { ProvidedServer } from './provided-server.js'

/**
 * Vitest's global setup: finds or starts one server for the run (see {@link startPostgres}) and tells the test files of
 * it. Returns the teardown, which leaves nothing of the run behind.
 *
 * @example
 * ```ts
 * // vitest.config.ts
 * export default defineConfig({ test: { globalSetup: ['@rillflow/testing/global-setup'] } })
 * ```
 */
export async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const server = await startPostgres({ settings: { max_connections: 200 } })
  const runId = newRunId()
  const logFile = server.kind === 'embedded' ? server.logFile : undefined
  project.provide('rillflowPostgres', { url: server.url, kind: server.kind, runId, logFile })
  return async () => {
    if (server.kind === 'url') await dropDatabasesOfRun(server.url, runId)
    await server.stop()
  }
}
