import { traced, type OperationContext, type Scope } from '@rillflow/core'

/** What the operations need of a scope: where to send, to which schema. */
export interface Executor {
  readonly schema: string
  /** True when each statement is a transaction of its own, so that one which failed may be run again. */
  readonly alone: boolean
  readonly query: Scope['query']
}

/** One call of the API, as it is published on the channel of its kind. */
export interface Call {
  readonly kind: 'read' | 'save'
  readonly operation: string
  readonly scope: Scope
  readonly alone: boolean
  /** How many documents; one unless told. */
  readonly count?: number | undefined
}

/** Resolves the target, then runs `work` on it under the channel that listeners subscribe to. */
export async function execute<Result>(call: Call, work: (executor: Executor) => Promise<Result>): Promise<Result> {
  const { kind, operation, scope, alone, count = 1 } = call
  const { schema, tenant } = await scope.target()
  const context = (): OperationContext => ({
    operation,
    schema,
    tenant,
    correlationId: scope.context().correlationId,
    count,
  })
  return traced(kind, context, () => work({ schema, alone, query: (statement) => scope.query(statement) }))
}
