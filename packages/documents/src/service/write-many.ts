import { defineStatement, type Statement, type TransactionScope } from '@rillflow/core'
import { maxItems, maxSize } from '../batch/batch-item.js'
import { toTextArray } from '../collections/parse-field.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { namingUniqueConflicts } from '../operations/unique-conflict.js'

/** What is written of documents. */
export interface WriteRequest {
  readonly puts: readonly { readonly id: string; readonly json: string }[]
  /** The ids of those that are removed. */
  readonly deletes: readonly string[]
}

/** Puts documents as they are given: `[collection, documents]`. It leaves no mark: the COMMIT decides. */
const putAll = defineStatement(
  'put_all',
  (schema) => `insert into ${schema}.docs as stored (collection, id, doc, version, created_at, updated_at, write_id)
select $1::text, given.doc ->> 'id', given.doc, 1, clock.now, clock.now, null
from jsonb_array_elements($2::jsonb) as given (doc), (select clock_timestamp() as now) as clock
on conflict (collection, id) do update
set doc = excluded.doc, version = stored.version + 1, updated_at = excluded.updated_at, deleted_at = null, write_id = null`,
)

/** Removes documents for good: `[collection, ids]`. */
const purgeAll = defineStatement(
  'purge_all',
  (schema) => `delete from ${schema}.docs where collection = $1::text and id = any($2::text[])`,
)

/** Writes documents in statements of bounded size, sent at once where that is possible. */
export async function writeMany(
  scope: TransactionScope,
  collection: PreparedCollection,
  { stored, puts, deletes }: WriteRequest & { readonly stored: string },
): Promise<void> {
  const { schema } = await scope.target()
  const statements: Statement[] = []
  // Removed first: a unique value that one of them had may be that of another now.
  for (let from = 0; from < deletes.length; from += maxItems)
    statements.push(purgeAll(schema, [stored, toTextArray(deletes.slice(from, from + maxItems))]))
  for (const part of cutPuts(puts)) statements.push(putAll(schema, [stored, `[${part.join(',')}]`]))
  const sent = statements.map((statement) => namingUniqueConflicts(collection, () => scope.query(statement)))
  // None may be under way any more when the transaction is undone.
  await Promise.allSettled(sent)
  await Promise.all(sent)
}

function cutPuts(puts: WriteRequest['puts']): readonly (readonly string[])[] {
  const parts: string[][] = []
  let size = 0
  for (const { json } of puts) {
    size += json.length
    const part = parts.at(-1)
    if (part === undefined || part.length >= maxItems || size > maxSize) {
      parts.push([json])
      size = json.length
    } else {
      part.push(json)
    }
  }
  return parts
}
