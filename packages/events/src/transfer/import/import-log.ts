import { defineStatement, InvalidStateError, safeInteger, type Scope, type Statement } from '@rillflow/core'

const countStatement = defineStatement(
  'import_count',
  (schema) => `select i.count::text as count from ${schema}.imports i where i.name = $1::text`,
)

/** How many rows of its source the import of this name has stored; 0 for one that never ran. */
export async function importedCount(scope: Scope, schema: string, name: string): Promise<number> {
  const { rows } = await scope.query<readonly [count: string]>(countStatement(schema, [name]))
  return rows[0] === undefined ? 0 : safeInteger(rows[0][0], 'count')
}

const advance = defineStatement(
  'import_advance',
  (schema) => `insert into ${schema}.imports as i (name, count) values ($1::text, $3::bigint)
  on conflict (name) do update set count = excluded.count, updated_at = now() where i.count = $2::bigint
  returning i.count::text as count`,
)

/** Records the progress of an import, in the transaction of the batch; gives no row when it is not where it was. */
export function advanceStatement(schema: string, name: string, from: number, to: number): Statement {
  return advance(schema, [name, from, to])
}

/** Two runs of one import are under way, or the outcome of a lost commit has come to light. */
export function importMoved(name: string): InvalidStateError {
  return new InvalidStateError(
    `the import ${JSON.stringify(name)} was carried on by another run meanwhile; nothing of this batch was stored. ` +
      'Let one run at a time work on it, and run it again.',
  )
}
