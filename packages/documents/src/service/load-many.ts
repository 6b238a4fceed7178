import { defineStatement, jsonText, type TransactionScope } from '@rillflow/core'
import { maxItems } from '../batch/batch-item.js'
import { toTextArray } from '../collections/parse-field.js'
import { getDocuments } from '../sql/get-document.js'

/** Which documents are loaded. */
export interface LoadRequest {
  /** Each of them once; held in this order. */
  readonly ids: readonly string[]
  /** Holds those that are found until the transaction ends. */
  readonly hold: boolean
}

/**
 * Live documents, held one after the other as the list has them: `[collection, ids]`, the ids as JSON. A subquery that
 * locks is never reordered, so two that name the ids in one order cannot deadlock. Not an array: its length would be known
 * to the planner, which then plans anew for each call.
 */
const holdDocuments = defineStatement(
  'hold_many',
  (schema) => `select d.id, d.doc from jsonb_array_elements_text($2::jsonb) as k (id) cross join lateral (
  select s.id, ${jsonText('s.doc')} as doc from ${schema}.docs as s
  where s.collection = $1::text and s.id = k.id and s.deleted_at is null for no key update) d`,
)

/** The documents that are there, by id. */
export async function loadMany(
  scope: TransactionScope,
  { stored, ids, hold }: LoadRequest & { readonly stored: string },
): Promise<ReadonlyMap<string, unknown>> {
  const { schema } = await scope.target()
  const parts = Array.from({ length: Math.ceil(ids.length / maxItems) }, (_, part) =>
    ids.slice(part * maxItems, (part + 1) * maxItems),
  )
  const answers = await Promise.all(
    parts.map((part) =>
      scope.query<readonly [id: string, doc: string]>(
        hold
          ? holdDocuments(schema, [stored, JSON.stringify(part)])
          : getDocuments(schema, [stored, toTextArray(part)]),
      ),
    ),
  )
  return new Map(answers.flatMap(({ rows }) => rows.map(([id, doc]) => [id, JSON.parse(doc) as unknown])))
}
