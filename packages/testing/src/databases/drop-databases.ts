import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import { runPattern } from './database-names.js'
import { withClient } from './with-client.js'

const CHECKS = 100
const PAUSE_MS = 10

/** Drops a database; connections that are left after a second are cut. */
export async function dropDatabase(url: string, database: string): Promise<void> {
  await withClient(url, async (client) => {
    // The sockets of a pool are still open when its end() returns; cut now, they would become unhandled errors. A plain drop
    // waits too, but looks ten times a second only.
    for (let check = 0; check < CHECKS && (await hasConnections(client, database)); check++) await pause(PAUSE_MS)
    await client.query(`drop database if exists "${database}" with (force)`)
  })
}

/** Drops what a run has made on a server that outlives it. */
export async function dropDatabasesOfRun(url: string, runId: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database where datname like $1', [
      runPattern(runId),
    ])
    for (const { datname } of rows) await client.query(`drop database if exists "${datname}" with (force)`)
  })
}

async function hasConnections(client: Client, database: string): Promise<boolean> {
  const { rows } = await client.query('select 1 from pg_stat_activity where datname = $1 limit 1', [database])
  return rows.length > 0
}
