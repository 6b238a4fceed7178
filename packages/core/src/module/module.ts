import type { Connection } from '../connection/connection.js'
import type { Logger } from '../observability/logger.js'
import type { ModuleKey } from './module-key.js'
import type { SchemaComponent } from './schema-component.js'
import type { Scope, TransactionScope } from './scope.js'
import type { Siblings } from './siblings.js'

/**
 * The generation of the contract between core and the modules. It grows when a module built against the old one would
 * misbehave, and `createStore` refuses to compose different ones.
 */
export const moduleContract = 1

/** The types that a module adds to a store. */
export interface ModuleShape {
  /** What stands at `store.<key>`. */
  readonly store: unknown
  /** What stands at `tx.<key>`. */
  readonly transaction: unknown
  /** What stands at `session.<key>`; undefined for a module that stages nothing. */
  readonly session: unknown
  /** What `saveChanges` returns at `<key>`. */
  readonly saved: unknown
}

/** A piece that a store is composed of. */
export interface Module<Shape extends ModuleShape = ModuleShape> {
  /** The package that made it: `@rillflow/events`. */
  readonly name: string
  /** The {@link moduleContract} it was built against. */
  readonly contract: number
  readonly components: readonly SchemaComponent[]
  /** The modules that it builds on: `createStore` refuses a store without them, or with one of them twice. */
  readonly requires?: readonly ModuleKey[] | undefined
  install(host: ModuleHost): InstalledModule<Shape>
}

/** What a store lends to its modules. */
export interface ModuleHost {
  readonly connection: Connection
  readonly logger: Logger
}

/** A module inside one store. */
export interface InstalledModule<Shape extends ModuleShape = ModuleShape> {
  /** What it lends to the modules that build on it, as its {@link ModuleKey} types it. */
  readonly service?: unknown
  /** The API on the pool. */
  store(scope: Scope, siblings: Siblings<'store'>): Shape['store']
  /** The API inside a transaction. */
  transaction(scope: TransactionScope, siblings: Siblings<'transaction'>): Shape['transaction']
  /** The staging API of one session, and its part of the unit of work; left out by a module that stages nothing. */
  session?(scope: Scope, siblings: Siblings<'session'>): SessionPart<Shape>
  /** Lets go of what the module holds: timers, connections. Called once, before the pool ends. */
  close?(): Promise<void>
}

/** A module's part in one session. */
export interface SessionPart<Shape extends ModuleShape = ModuleShape> {
  readonly api: Shape['session']
  /** How many operations are staged. */
  pending(): number
  /**
   * Called once for each save, before its transaction begins: the place for what needs no connection, validation above
   * all, and what is staged from now on belongs to the next save.
   */
  prepare?(): Promise<void>
  /**
   * Writes what is staged now into the transaction, without letting go of it: the transaction may fail and be run again.
   * Statements must be sent before the first await, so that those of all modules leave together.
   */
  flush(scope: TransactionScope): Promise<Shape['saved']>
  /** The transaction of the last flush has committed: lets go of exactly what that flush wrote. */
  committed(): void
  /** Lets go of everything staged and loaded. */
  clear(): void
}
