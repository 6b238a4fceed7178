import pg from 'pg'
import { inject } from 'vitest'

/** A connection to the server itself, for what a test needs a session for; `pool` leads through the pooler. */
export async function pastPooler(pool: pg.Pool): Promise<pg.PoolClient> {
  const url = new URL(pool.options.connectionString ?? '')
  url.host = new URL(inject('rillflowPostgres').url).host
  const direct = new pg.Pool({ connectionString: url.href, max: 1, idleTimeoutMillis: 100, allowExitOnIdle: true })
  direct.on('error', () => undefined)
  const client = await direct.connect()
  client.on('error', () => undefined)
  return client
}
