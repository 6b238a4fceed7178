import { AsyncLocalStorage } from 'node:async_hooks'
import type { ConnectionOptions } from '../connection/connection-options.js'
import { Connection } from '../connection/connection.js'
import type { RetryOptions } from '../connection/retry.js'
import { mergeContexts, type Context } from '../context/context.js'
import { InvalidArgumentError } from '../errors/usage-errors.js'
import type { InstalledModule } from '../module/module.js'
import type { TransactionScope } from '../module/scope.js'
import type { Siblings } from '../module/siblings.js'
import { silentLogger, type Logger } from '../observability/logger.js'
import { singleTenant } from '../tenancy/single-tenant.js'
import type { Tenancy, TenancyMode } from '../tenancy/tenancy.js'
import { assemble, type InstalledModules } from './assemble.js'
import { checkModules, collectComponents, installModules } from './compose.js'
import { attachInternals } from './internals.js'
import { inCallersTransaction, inTransaction, storeScope, type ScopeSource } from './scopes.js'
import { makeSession } from './session.js'
import type { ModuleRecord, SessionOptions, Store, TransactionOptions } from './store.js'

/** What a store is made of. */
export interface StoreOptions<Modules extends ModuleRecord, Mode extends TenancyMode> {
  /** A URL, `{ url, … }`, `{ pool }` or `{ client }`; undefined, as an unset variable is, throws `InvalidConfig`. */
  readonly connection: ConnectionOptions | undefined
  /** The pieces, under the names that you will use. */
  readonly modules: Modules
  /** {@link singleTenant} unless told. */
  readonly tenancy?: Tenancy<Mode> | undefined
  /** The widest context: headers for every event of this store. */
  readonly context?: Context | undefined
  /** Silent unless told; a pino logger fits. */
  readonly logger?: Logger | undefined
  /** How often a transaction of the store's own is run again after a deadlock or a serialization failure. */
  readonly retry?: RetryOptions | undefined
}

/**
 * Composes a store from modules. Nothing is connected, and nothing created, before the first call.
 *
 * @throws InvalidConfig, ContractMismatch
 *
 * @example
 * ```ts
 * import { createStore } from '@rillflow/core'
 * import { documents } from '@rillflow/documents'
 * import { events } from '@rillflow/events'
 *
 * const store = createStore({
 *   connection: process.env.DATABASE_URL,
 *   modules: { docs: documents({}), events: events({}) },
 * })
 * await store.close()
 * ```
 */
export function createStore<const Modules extends ModuleRecord, Mode extends TenancyMode = 'single'>(
  options: StoreOptions<Modules, Mode>,
): Store<Modules, Mode> {
  checkModules(options.modules)
  const logger = options.logger ?? silentLogger
  const tenancy: Tenancy = options.tenancy ?? singleTenant()
  const connection = new Connection(options.connection, logger, options.retry)
  const modules = installModules(options.modules, { connection, logger })
  const ambient = new AsyncLocalStorage<Context>()

  const sourceFor = (tenant: string | undefined): ScopeSource => ({
    connection,
    logger,
    target: async () => tenancy.resolve(tenant),
    context: () => mergeContexts(options.context, ambient.getStore()),
  })
  const withContext = <Result>(context: Context, work: () => Result): Result =>
    ambient.run(mergeContexts(ambient.getStore(), context), work)
  const forTenant = (tenant: string | undefined): object => tenantStore(sourceFor(tenant), modules, withContext)

  const store = tenancy.mode === 'single' ? forTenant(undefined) : multiTenantStore(forTenant, withContext)
  const close = once(async () => {
    const closed = await Promise.allSettled([...modules.values()].map(async ({ installed }) => installed.close?.()))
    // Also after a module that could not close: the pool would keep the process alive.
    await connection.close()
    const failed = closed.find((each) => each.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  })
  attachInternals(store, { connection, tenancy, logger, components: collectComponents(options.modules) })
  // The mapped type is built key by key; TypeScript cannot follow a loop.
  return Object.assign(store, { close, [Symbol.asyncDispose]: close }) as unknown as Store<Modules, Mode>
}

type WithContext = <Result>(context: Context, work: () => Result) => Result
type Work = (tx: unknown) => Promise<unknown>

function tenantStore(source: ScopeSource, modules: InstalledModules, withContext: WithContext): object {
  const scope = storeScope(source)
  return {
    ...apisOf(modules, (module, siblings: Siblings<'store'>) => module.store(scope, siblings)),
    session: (options: SessionOptions = {}) => makeSession(source, modules, options),
    transaction: (first: TransactionOptions | Work, second?: Work) =>
      typeof first === 'function'
        ? runTransaction(source, modules, {}, first)
        : runTransaction(source, modules, first, second as Work),
    withContext,
  }
}

function multiTenantStore(forTenant: (tenant: string) => object, withContext: WithContext): object {
  const tenant = (id: string): ReturnType<typeof asTenantStore> => {
    if (typeof id !== 'string' || id === '')
      throw new InvalidArgumentError('tenant', 'Name the tenant: a non-empty string.')
    return asTenantStore(forTenant(id))
  }
  return {
    tenant,
    session: (options: SessionOptions & { tenant: string }) => tenant(options?.tenant).session(options),
    transaction: async (options: TransactionOptions & { tenant: string }, work: Work) =>
      tenant(options?.tenant).transaction(options, work),
    withContext,
  }
}

interface TenantMethods {
  session(options: SessionOptions): unknown
  transaction(options: TransactionOptions, work: Work): Promise<unknown>
}

function asTenantStore(store: object): TenantMethods {
  return store as TenantMethods
}

async function runTransaction(
  source: ScopeSource,
  modules: InstalledModules,
  options: TransactionOptions,
  work: Work,
): Promise<unknown> {
  const { client: callersClient, ...own } = options
  const scoped = { ...source, context: () => mergeContexts(source.context(), own) }
  const run = (scope: TransactionScope): Promise<unknown> => {
    const make = (module: InstalledModule, siblings: Siblings<'transaction'>): unknown =>
      module.transaction(scope, siblings)
    return work({ ...apisOf(modules, make), sql: scope.sql })
  }
  return callersClient === undefined ? inTransaction(scoped, run) : inCallersTransaction(scoped, callersClient, run)
}

function apisOf<Where extends 'store' | 'transaction'>(
  modules: InstalledModules,
  make: (module: InstalledModule, siblings: Siblings<Where>) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(assemble(modules, make, (api) => api))
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
