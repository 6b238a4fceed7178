import type { Pool, QueryResult, QueryResultRow } from 'pg'

/** The database of one test file. It exists while the file's tests and hooks run. */
export interface TestDatabase {
  /** The connection string of this file's database. */
  readonly url: string
  readonly name: string
  /** A pool on it, made when it is first asked for and ended after the file. */
  readonly pool: Pool
  /** Runs one statement by the pool. */
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
  /**
   * The lines that the server has logged about this database, errors with their SQLSTATE among them.
   *
   * @throws {@link TestingError} `NO_LOG` when the server is not an embedded one.
   */
  log(): Promise<string>
}

/** How {@link useDatabase} makes the database of a test file. */
export interface DatabaseOptions {
  /**
   * The name of a template, made once per run by `migrate` and cloned for each file. Files that give the same name must
   * mean the same migration. Without it, `migrate` runs on each file's own database.
   */
  readonly template?: string | undefined
  /** Brings an empty database to the state the tests start from; it must close the connections that it opens. */
  readonly migrate?: ((url: string) => Promise<void>) | undefined
  /** How many connections the pool may open; 5 by default. */
  readonly max?: number | undefined
}
