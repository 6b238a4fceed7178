/** A major version of PostgreSQL that Rillflow supports. */
export type PostgresMajor = 14 | 15 | 16 | 17 | 18

/** What each server can do, wherever it comes from. */
interface RunningPostgres extends AsyncDisposable {
  /** A superuser's connection string to the maintenance database `postgres`, or the URL that was given. */
  readonly url: string
  /** The version the server tells, such as `18.4`. */
  readonly version: string
  /** Stops the server and removes what belongs to it; does nothing for a server that this call did not start. */
  stop(): Promise<void>
}

/** A server that somebody else runs, found by its URL and left as it is. */
export interface ExternalPostgres extends RunningPostgres {
  readonly kind: 'url'
}

/** A server in a container that Testcontainers started. */
export interface ContainerPostgres extends RunningPostgres {
  readonly kind: 'testcontainers'
}

/** A private server from embedded binaries, which crash tests may ill-treat. */
export interface EmbeddedPostgres extends RunningPostgres {
  readonly kind: 'embedded'
  readonly port: number
  /** The process id of the postmaster; another one after {@link EmbeddedPostgres.restart}. */
  readonly pid: number
  readonly dataDirectory: string
  /** The file that the server logs to; removed by `stop()`. */
  readonly logFile: string
  /** What the server has logged since it was made, restarts included; also after `stop()`. */
  log(): Promise<string>
  /**
   * Sends a signal (default `SIGKILL`) to the postmaster. After `SIGKILL`, `SIGQUIT` and `SIGINT`, waits until it has
   * ended; other signals return at once. The data directory stays until `stop()`.
   */
  kill(signal?: NodeJS.Signals | undefined): Promise<void>
  /** Starts the server again on the same data directory and port, after a fast shutdown if it is still running. */
  restart(): Promise<void>
}

/** A running PostgreSQL; `kind` tells where it came from. */
export type PostgresServer = ExternalPostgres | ContainerPostgres | EmbeddedPostgres

/** How {@link startPostgres} finds or starts a server. */
export interface StartOptions {
  /**
   * `auto` (default): the server in `DATABASE_URL`, else a container when Docker answers, else embedded binaries.
   * The environment variable `RILLFLOW_TEST_POSTGRES` (`url`, `docker`, `embedded`) decides instead of `auto`.
   */
  readonly from?: 'auto' | 'url' | 'docker' | 'embedded' | undefined
  /**
   * `true` runs on PostgreSQL's own durability, with the data on disk: for benchmarks. `false` (default) turns `fsync`
   * and `full_page_writes` off and keeps the data in memory where it can: a commit survives the death of the server,
   * not of the machine. No effect on a server found by URL.
   */
  readonly durable?: boolean | undefined
  /** Further server settings, such as `{ max_connections: 200 }`. No effect on a server found by URL. */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined
  /**
   * The major version wanted (else `RILLFLOW_TEST_POSTGRES_VERSION`, else what is installed). A server found by URL
   * must have it.
   */
  readonly version?: PostgresMajor | undefined
  /** A folder for the data, kept after `stop()` and used again when it holds a cluster. Embedded only. */
  readonly dataDirectory?: string | undefined
  /** The port to listen on; a free one by default. Embedded only. */
  readonly port?: number | undefined
}
