import { ident, InvalidArgumentError, isRillflowError, type TransactionScope } from '@rillflow/core'
import type { StoredEvent } from '@rillflow/events'
import type { HandlerProjection } from '../definition/any-projection.js'
import type { ProjectionTransaction } from '../definition/projection.js'
import { ProjectionFailedError } from '../errors.js'
import type { WriteTarget } from '../targets/fold-target.js'
import { shadowTable } from '../targets/shadow-table.js'

/** Hands a batch to a handler, one event behind the other. */
export async function applyHandler(
  scope: TransactionScope,
  projection: HandlerProjection,
  events: readonly StoredEvent[],
  to: WriteTarget,
): Promise<void> {
  const tx = await transactionOf(scope, projection, to)
  for (const event of events) {
    try {
      await projection.handle(event, tx)
    } catch (cause) {
      // What is the fault of the moment is not the handler's: its transaction is run again.
      if (isRillflowError(cause) && (cause.retryable || cause.code === 'ConnectionLost')) throw cause
      throw new ProjectionFailedError(
        { projection: projection.name, event, cause },
        'its handler threw; see the cause.',
      )
    }
  }
}

async function transactionOf(
  scope: TransactionScope,
  { name: projection, tables }: HandlerProjection,
  { shadow }: WriteTarget,
): Promise<ProjectionTransaction> {
  const { schema } = await scope.target()
  return {
    sql: scope.sql,
    // A text in one piece, with the places of its values in it already.
    query: (text, values = []) => scope.sql(Object.assign([text], { raw: [text] }), ...values),
    table(name) {
      if (!tables.includes(name)) {
        throw new InvalidArgumentError(
          'name',
          `The projection ${projection} has no table ${JSON.stringify(name)}; it has ${tables.join(', ')}.`,
        )
      }
      return `${ident(schema)}.${ident(shadow ? shadowTable(name) : name)}`
    },
  }
}
