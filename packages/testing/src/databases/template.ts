import type { Client } from 'pg'
import { databaseUrl } from './database-names.js'
import { retryInUse } from './retry-in-use.js'
import { withClient } from './with-client.js'

/** Brings an empty database to the state that tests start from; it must close the connections it opens. */
export type Migrate = (url: string) => Promise<void>

/**
 * Makes the template database unless it exists. Of several processes that want it at once, one makes it while the others
 * wait; it gets its name only when the migration is through, so a failed or killed one leaves nothing to trust.
 */
export async function ensureTemplate(url: string, name: string, migrate: Migrate): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [name])
    if (await exists(client, name)) return
    const draft = `${name}_d`
    await client.query(`drop database if exists "${draft}"`)
    await client.query(`create database "${draft}"`)
    await migrate(databaseUrl(url, draft))
    await retryInUse(() => client.query(`alter database "${draft}" rename to "${name}"`))
  })
}

async function exists(client: Client, database: string): Promise<boolean> {
  const { rows } = await client.query('select 1 from pg_database where datname = $1', [database])
  return rows.length > 0
}
