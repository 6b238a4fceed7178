import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { UnsafeIsolationError } from '../errors.js'

const headStatement = defineStatement(
  'head',
  (schema) => `select ${schema}.safe_head()::text as head, current_setting('transaction_isolation') as isolation`,
)

/** The head as one statement tells it. */
export interface HeadNow {
  readonly head: number
  readonly isolation: string
}

/**
 * The safe head: no event will ever appear at or below it that is not there already. 0 when nothing was ever appended.
 *
 * Events up to it must be read in a later statement than this one, whose snapshot is taken after it.
 */
export async function readHead(scope: Pick<Scope, 'query'>, schema: string): Promise<HeadNow> {
  const { rows } = await scope.query<readonly [head: string, isolation: string]>(headStatement(schema, []))
  const [head, isolation] = rows[0] as readonly [string, string]
  return { head: safeInteger(head, 'position'), isolation }
}

/**
 * The safe head, for a reader that is about to read up to it.
 *
 * @throws UnsafeIsolation inside a transaction whose statements share one snapshot.
 */
export async function safeHead(scope: Scope, inTransaction: boolean): Promise<number> {
  const { schema } = await scope.target()
  const { head, isolation } = await readHead(scope, schema)
  if (inTransaction && isolation !== 'read committed') throw new UnsafeIsolationError(isolation)
  return head
}
