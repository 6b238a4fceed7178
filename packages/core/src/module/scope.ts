import type { Rows } from '../connection/query.js'
import type { Context } from '../context/context.js'
import type { SqlTag } from '../sql/sql-tag.js'
import type { Statement } from '../sql/statement.js'
import type { Target } from '../tenancy/tenancy.js'

/**
 * Where a module's statements run: on the store's pool, each in a transaction of its own, or inside one transaction.
 * A module is written once against it.
 */
export interface Scope {
  /** The schema and tenant; an unknown tenant throws here, before any statement. */
  target(): Promise<Target>
  /** Headers and ids as they stand at the moment of the call. */
  context(): Context
  query<Row extends readonly unknown[]>(statement: Statement): Promise<Rows<Row>>
  /** Runs `work` in one transaction: a new one with retry on the store, the present one inside a transaction. */
  transaction<Result>(work: (scope: TransactionScope) => Promise<Result>): Promise<Result>
}

/** A scope inside a transaction. */
export interface TransactionScope extends Scope {
  /** SQL of the user's own, as `tx.sql` runs it. */
  readonly sql: SqlTag
  /**
   * Calls `listener` once the transaction has committed. In a transaction that the caller owns, nobody here sees the
   * commit and the listener is not called: it may carry hints only, never work that must be done.
   */
  onCommit(listener: () => void): void
}
