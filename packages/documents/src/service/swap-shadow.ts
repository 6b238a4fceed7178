import { defineStatement, type TransactionScope } from '@rillflow/core'
import { shadowOf } from './shadow-of.js'

const clearStatement = defineStatement(
  'clear_shadow',
  (schema) => `delete from ${schema}.docs where collection = $1::text`,
)

/** Takes away all documents under a stored name. */
export async function clearStored(scope: TransactionScope, stored: string): Promise<void> {
  const { schema } = await scope.target()
  await scope.query(clearStatement(schema, [stored]))
}

const moveStatement = defineStatement(
  'swap_shadow',
  (schema) => `update ${schema}.docs set collection = $1::text where collection = $2::text`,
)

/** Puts what was made beside a collection in its place: readers see all of the one or all of the other. */
export async function swapShadow(scope: TransactionScope, collection: string): Promise<void> {
  const { schema } = await scope.target()
  await clearStored(scope, collection)
  await scope.query(moveStatement(schema, [collection, shadowOf(collection)]))
}
