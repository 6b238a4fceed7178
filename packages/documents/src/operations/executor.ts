import { traced, type OperationContext, type Scope } from '@rillflow/core'
import type { LostWrites } from './lost-writes.js'
import { nextWriteId } from './write-id.js'

/** What the operations need of a scope: where to send, to which schema. */
export interface Executor {
  readonly schema: string
  readonly query: Scope['query']
  /**
   * For a write that is a transaction of its own, and so may be run again when it failed, or looked for when its answer
   * never came; undefined inside a transaction.
   */
  readonly alone: LoneWrite | undefined
}

/** What a write has that is a transaction of its own. */
export interface LoneWrite {
  /** The mark that it leaves in the rows it writes. */
  readonly writeId: string
  readonly lostWrites: LostWrites
}

/** The mark to leave in a row; null inside a transaction, and never that of an earlier write. */
export function writeIdOf({ alone }: Executor): string | null {
  return alone?.writeId ?? null
}

/** A write on the store. */
export function loneWrite(lostWrites: LostWrites): LoneWrite {
  return { writeId: nextWriteId(), lostWrites }
}

/** One call of the API, as it is published on the channel of its kind. */
export interface Call {
  readonly kind: 'read' | 'save'
  readonly operation: string
  readonly scope: Scope
  /** For writes on the store; undefined inside a transaction, and for reads. */
  readonly lostWrites?: LostWrites | undefined
  /** How many documents; one unless told. */
  readonly count?: number | undefined
}

/** Resolves the target, then runs `work` on it under the channel that listeners subscribe to. */
export async function execute<Result>(call: Call, work: (executor: Executor) => Promise<Result>): Promise<Result> {
  const { kind, operation, scope, lostWrites, count = 1 } = call
  const { schema, tenant } = await scope.target()
  const context = (): OperationContext => ({
    operation,
    schema,
    tenant,
    correlationId: scope.context().correlationId,
    count,
  })
  const alone = lostWrites === undefined ? undefined : loneWrite(lostWrites)
  return traced(kind, context, () => work({ schema, alone, query: (statement) => scope.query(statement) }))
}
