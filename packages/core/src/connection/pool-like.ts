/** A query as node-postgres takes it. */
export interface QueryConfigLike {
  readonly text: string
  readonly values?: unknown[]
  readonly name?: string
  readonly rowMode?: 'array'
}

/** What a query gives back; rows are arrays when the driver honours `rowMode`, objects otherwise. */
export interface QueryResultLike {
  // The driver's own row type differs by mode; `unknown[]` is what all of them fit.
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
  /** The command that ran. Needed to tell a COMMIT from a rollback; a driver without it is believed. */
  readonly command?: string | undefined
}

/** One connection: a `pg.Client`, a `pg.PoolClient`, or whatever an adapter shapes like them. */
export interface ClientLike {
  query(config: QueryConfigLike): Promise<QueryResultLike>
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
