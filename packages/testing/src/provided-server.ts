// Loads the module that is augmented below: a build that starts at this file would not know it otherwise.
import type {} from 'vitest'
import type { PostgresServer } from './postgres-server.js'

/** What the global setup tells the test files, under the key `rillflowPostgres`. */
export interface ProvidedServer {
  readonly url: string
  readonly kind: PostgresServer['kind']
  /** Leads the names of the databases that this run makes. */
  readonly runId: string
  /** The server's log, when it is a file that can be read. */
  readonly logFile: string | undefined
}

declare module 'vitest' {
  interface ProvidedContext {
    rillflowPostgres: ProvidedServer
  }
}
