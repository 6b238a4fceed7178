import { ident, type TransactionClient } from '@rillflow/core'
import { selectObjects } from './select-objects.js'

/** What an object of a schema is. */
export type ObjectKind =
  | 'table'
  | 'column'
  | 'constraint'
  | 'index'
  | 'trigger'
  | 'rule'
  | 'policy'
  | 'view'
  | 'sequence'
  | 'function'
  | 'type'
  | 'statistics'

/** One object, with all that makes it what it is as text, in which objects of its own schema go without its name. */
export interface CatalogObject {
  readonly kind: ObjectKind
  /** What it belongs to: the table of a column, the bare name of a function; undefined for what stands alone. */
  readonly owner: string | undefined
  readonly name: string
  readonly definition: string
  /** The code of a function, verbatim. */
  readonly body: string | undefined
}

type ObjectRow = readonly [ObjectKind, string | null, string, string, string | null]

/**
 * Reads everything that a schema holds, in a transaction that is rolled back.
 *
 * The server leaves a schema's name out where the search path makes it unnecessary, and that alone makes two schemas
 * comparable; the path goes with the transaction.
 */
export async function readObjects(client: TransactionClient, schema: string): Promise<readonly CatalogObject[]> {
  await client.query({
    operation: 'verify: reading the catalogs',
    text: `/* rillflow:verify */ select set_config('search_path', $1::text, true) as value`,
    values: [ident(schema)],
  })
  const { rows } = await client.query<ObjectRow>({
    operation: 'verify: reading the catalogs',
    text: selectObjects,
    values: [schema],
  })
  return rows.map(([kind, owner, name, definition, body]) => ({
    kind,
    owner: owner ?? undefined,
    name,
    definition,
    body: body ?? undefined,
  }))
}
