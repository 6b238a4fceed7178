import type { ClientLike, PoolLike } from './pool-like.js'

/** How a store reaches PostgreSQL. */
export type ConnectionOptions = string | UrlConnection | PoolConnection | ClientConnection

/** A pool that the store makes and ends itself. */
export interface UrlConnection {
  readonly url: string
  /** The most connections open at once; 10 unless told. */
  readonly maxConnections?: number | undefined
  /** How long a call waits for a connection, in milliseconds; 10,000 unless told. */
  readonly connectTimeout?: number | undefined
  /** How long an unused connection stays open, in milliseconds; 10,000 unless told. */
  readonly idleTimeout?: number | undefined
  /** Shown by `pg_stat_activity`; `rillflow` unless told. */
  readonly applicationName?: string | undefined
  /** False sends every statement unprepared, for poolers that cannot keep prepared statements. */
  readonly prepare?: boolean | undefined
}

/** A pool that the caller made and ends. */
export interface PoolConnection {
  readonly pool: PoolLike
  readonly prepare?: boolean | undefined
}

/** One connected client that the caller made and ends; the store's calls take turns on it. */
export interface ClientConnection {
  readonly client: ClientLike
  readonly prepare?: boolean | undefined
}
