/** A query as node-postgres takes it. */
export interface QueryConfigLike {
  readonly text: string
  readonly values?: unknown[]
  readonly name?: string
  readonly rowMode?: 'array'
  /** Parsers for this query alone, so that those which a program set for all queries do not reach it. */
  readonly types?: TypeParsersLike
}

/** What turns the text of a column into a value, by the column's type. */
export interface TypeParsersLike {
  getTypeParser(oid: number, format?: string): (text: string) => unknown
}

/** What a query gives back; rows are arrays when the driver honours `rowMode`, objects otherwise. */
export interface QueryResultLike {
  // The driver's own row type differs by mode; `unknown[]` is what all of them fit.
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
  /** The command that ran. Needed to tell a COMMIT from a rollback; a driver without it is believed. */
  readonly command?: string | null | undefined
}

/** One connection: a `pg.Client`, a `pg.PoolClient`, or whatever an adapter shapes like them. */
export interface ClientLike {
  query(config: QueryConfigLike): Promise<QueryResultLike>
  /** True when statements may be sent before the earlier ones are answered; otherwise they take turns. */
  readonly pipeline?: boolean | undefined
  /** The server's process that serves this connection, as node-postgres has it. */
  readonly processID?: number | null | undefined
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
}

/** A connection lent by a pool. */
export interface PoolClientLike extends ClientLike {
  release(destroy?: Error | boolean): void
}

/** A pool: a `pg.Pool`, or anything shaped like one. */
export interface PoolLike {
  connect(): Promise<PoolClientLike>
  end?(): Promise<void>
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
}
