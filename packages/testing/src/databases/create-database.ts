import { databaseUrl, newDatabaseName, templateName } from './database-names.js'
import { retryInUse } from './retry-in-use.js'
import { ensureTemplate, type Migrate } from './template.js'
import { withClient } from './with-client.js'

/** Where a new database comes from. */
export interface NewDatabase {
  /** The maintenance database of the server. */
  readonly url: string
  readonly runId: string
  readonly template: string | undefined
  readonly migrate: Migrate | undefined
}

/** Creates a database, as a clone when it has a template, and returns its name. */
export async function createDatabase({ url, runId, template, migrate }: NewDatabase): Promise<string> {
  const name = newDatabaseName(runId)
  if (template !== undefined && migrate) {
    const source = templateName(runId, template)
    await ensureTemplate(url, source, migrate)
    // No strategy is named: the default (the log, from 15 on) is within 3 ms of a file copy in memory and 3 times as fast
    // on a disk, and PostgreSQL 14 knows no other.
    await withClient(url, (client) => retryInUse(() => client.query(`create database "${name}" template "${source}"`)))
    return name
  }
  // Cloning template1 fails while anybody is connected to it, and several files clone it at once.
  await withClient(url, (client) => retryInUse(() => client.query(`create database "${name}"`)))
  await migrate?.(databaseUrl(url, name))
  return name
}
