import type { Connection } from '../connection/connection.js'
import type { TransactionClient } from '../connection/transaction-client.js'
import type { Context } from '../context/context.js'
import type { Scope, TransactionScope } from '../module/scope.js'
import type { Logger } from '../observability/logger.js'
import { sqlTag } from '../sql/sql-tag.js'
import type { Target } from '../tenancy/tenancy.js'

/** What a scope is made of. */
export interface ScopeSource {
  readonly connection: Connection
  readonly logger: Logger
  readonly target: () => Promise<Target>
  readonly context: () => Context
}

/** A scope whose statements run on the pool. */
export function storeScope(source: ScopeSource): Scope {
  const { connection, target, context } = source
  return {
    target,
    context,
    query: (statement) => connection.query(statement),
    transaction: (work) => inTransaction(source, work),
  }
}

/** Runs `work` in a transaction of the store's own, and tells its listeners after the commit. */
export async function inTransaction<Result>(
  source: ScopeSource,
  work: (scope: TransactionScope) => Promise<Result>,
): Promise<Result> {
  // The tenant is looked up before a connection is taken: nothing may take a second one while it holds one.
  const target = await source.target()
  let listeners: (() => void)[] = []
  const result = await source.connection.transaction((client) => {
    listeners = []
    return work(transactionScope({ source, target, client, listeners }))
  })
  for (const listener of listeners) tell(listener, source.logger)
  return result
}

/** What a listener throws must not make a committed transaction look like a failed one. */
function tell(listener: () => void, logger: Logger): void {
  try {
    listener()
  } catch (error) {
    logger.error({ err: error }, 'a listener failed after the commit')
  }
}

/** Runs `work` inside the transaction that the caller's client is in. */
export async function inCallersTransaction<Result>(
  source: ScopeSource,
  callersClient: Parameters<Connection['join']>[0],
  work: (scope: TransactionScope) => Promise<Result>,
): Promise<Result> {
  const target = await source.target()
  return source.connection.join(callersClient, (client) =>
    work(transactionScope({ source, target, client, listeners: [] })),
  )
}

function transactionScope(parts: {
  source: ScopeSource
  target: Target
  client: TransactionClient
  listeners: (() => void)[]
}): TransactionScope {
  const { source, client, listeners } = parts
  const target = Promise.resolve(parts.target)
  const scope: TransactionScope = {
    target: () => target,
    context: source.context,
    query: (statement) => client.query(statement),
    sql: sqlTag(client),
    transaction: (work) => work(scope),
    onCommit: (listener) => void listeners.push(listener),
  }
  return scope
}
