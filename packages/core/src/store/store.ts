import type { ClientLike } from '../connection/pool-like.js'
import type { Context } from '../context/context.js'
import type { Module, ModuleShape } from '../module/module.js'
import type { SqlTag } from '../sql/sql-tag.js'
import type { TenancyMode } from '../tenancy/tenancy.js'

/** The pieces of a store under the names that the user gives them. */
export type ModuleRecord = Readonly<Record<string, Module>>

type ShapeOf<Piece> = Piece extends Module<infer Shape> ? Shape : ModuleShape

/** The keys of the modules that stage work in a session. */
type StagingKeys<Modules extends ModuleRecord> = {
  [Key in keyof Modules]: ShapeOf<Modules[Key]>['session'] extends undefined ? never : Key
}[keyof Modules]

/** Every module's API on the pool. */
export type StoreApis<Modules extends ModuleRecord> = {
  readonly [Key in keyof Modules]: ShapeOf<Modules[Key]>['store']
}

/** Every module's API inside a transaction. */
export type TransactionApis<Modules extends ModuleRecord> = {
  readonly [Key in keyof Modules]: ShapeOf<Modules[Key]>['transaction']
}

/** Every staging module's API inside a session. */
export type SessionApis<Modules extends ModuleRecord> = {
  readonly [Key in StagingKeys<Modules>]: ShapeOf<Modules[Key]>['session']
}

/** What each module reports of a saved session: versions, positions. */
export type SavedChanges<Modules extends ModuleRecord> = {
  readonly [Key in StagingKeys<Modules>]: ShapeOf<Modules[Key]>['saved']
}

/** One transaction: the modules' APIs, and SQL of your own beside them. */
export type Transaction<Modules extends ModuleRecord> = TransactionApis<Modules> & {
  /**
   * Runs SQL of your own in this transaction; every `${value}` is bound as a parameter, never put into the text. Rows
   * are objects, with values as your driver parses them.
   *
   * @example
   * ```ts ignore
   * await tx.sql`update accounts set seen = now() where id = ${id}`
   * ```
   */
  readonly sql: SqlTag
}

/** A staged unit of work: nothing is written before `saveChanges`, and then all of it or nothing. */
export type Session<Modules extends ModuleRecord> = SessionApis<Modules> & {
  /** How many operations are staged. */
  readonly pending: number
  /** What will be put on events: read when the session is saved, not when work is staged. */
  readonly context: Context
  /** Merges into the session's context; headers key by key. */
  setContext(context: Context): void
  /**
   * Writes everything staged in one transaction. Staged work is let go of only after the commit: after any failure the
   * session still holds all of it, and saving again loses nothing.
   */
  saveChanges(options?: SaveOptions): Promise<SavedChanges<Modules>>
  /** Drops what is staged and loaded; keeps the context. */
  clear(): void
}

/** How a session is saved. */
export interface SaveOptions {
  /** A client inside a transaction of your own: the work joins it, and your COMMIT decides. */
  readonly client?: ClientLike | undefined
}

/** How a session begins. */
export type SessionOptions = Context

/** How a transaction begins. */
export interface TransactionOptions extends Context {
  /** A client inside a transaction of your own: the work runs between savepoints of it, and your COMMIT decides. */
  readonly client?: ClientLike | undefined
}

interface TenantOption {
  readonly tenant: string
}

interface Closable extends AsyncDisposable {
  /**
   * Waits for what is under way and ends what the store made; a pool of yours stays open. Awaited inside a transaction's
   * callback it would wait for itself.
   */
  close(): Promise<void>
}

/** What can be done for one tenant. */
export type TenantStore<Modules extends ModuleRecord> = StoreApis<Modules> & {
  /** Begins a staged unit of work; it holds no connection until it is saved or loads something. */
  session(options?: SessionOptions): Session<Modules>
  /**
   * Runs `work` in one transaction and commits it; any error rolls all of it back and comes out unchanged. A transaction
   * of the store's own is run again after a deadlock or a serialization failure, so `work` must bear being called again.
   */
  transaction<Result>(work: (tx: Transaction<Modules>) => Promise<Result>): Promise<Result>
  transaction<Result>(options: TransactionOptions, work: (tx: Transaction<Modules>) => Promise<Result>): Promise<Result>
  /** Runs `work` with this context around it: every call inside, however deep, merges it under its own. */
  withContext<Result>(context: Context, work: () => Result): Result
}

/** A store of one tenant. */
export type SingleStore<Modules extends ModuleRecord> = TenantStore<Modules> & Closable

/** A store of many tenants: each piece of work names its tenant. */
export type MultiTenantStore<Modules extends ModuleRecord> = Closable & {
  /** The same API for one tenant. */
  tenant(id: string): TenantStore<Modules>
  session(options: SessionOptions & TenantOption): Session<Modules>
  transaction<Result>(
    options: TransactionOptions & TenantOption,
    work: (tx: Transaction<Modules>) => Promise<Result>,
  ): Promise<Result>
  withContext<Result>(context: Context, work: () => Result): Result
}

/** A composed store; its tenancy decides whether calls name a tenant. */
export type Store<Modules extends ModuleRecord, Mode extends TenancyMode = 'single'> = Mode extends 'perTenant'
  ? MultiTenantStore<Modules>
  : SingleStore<Modules>
