import pg from 'pg'
import type { ClientConnection, PoolConnection, UrlConnection } from './connection-options.js'
import type { ClientLike } from './pool-like.js'

/** What a connection outside the pool is for; `pg_stat_activity` shows it behind the application's name. */
export type DedicatedPurpose = 'listen' | 'import'

/** A connection outside the pool, for what a pool cannot do: to LISTEN, and to wait for a source that may need the pool. */
export interface DedicatedClient extends Pick<ClientLike, 'query'> {
  connect(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown
  end(): Promise<void>
  /** Lets the process end while this connection is open. */
  unref?(): void
}

/** Makes one that is not connected yet. */
export type MakeDedicated = (purpose: DedicatedPurpose) => DedicatedClient

/** How to make one, or undefined where only the caller's own client or pool is known. */
export function dedicatedFrom(given: UrlConnection | PoolConnection | ClientConnection): MakeDedicated | undefined {
  if ('url' in given) {
    return (purpose) =>
      new pg.Client({
        connectionString: given.url,
        connectionTimeoutMillis: given.connectTimeout ?? 10_000,
        application_name: `${given.applicationName ?? 'rillflow'} ${purpose}`,
        keepAlive: true,
      })
  }
  if (!('pool' in given)) return undefined
  // A `pg.Pool` shows its client class and what it connects with; its own connections stay in the pool.
  const { Client, options } = given.pool as Partial<PgPool>
  return Client === undefined || options === undefined ? undefined : () => new Client(options)
}

interface PgPool {
  readonly Client: new (options: object) => DedicatedClient
  readonly options: object
}
