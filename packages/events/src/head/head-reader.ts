import { defineStatement, safeInteger, type Scope } from '@rillflow/core'
import { SequenceBehindError, UnsafeIsolationError } from '../errors.js'

const headStatement = defineStatement(
  'head',
  (schema) => `select ${schema}.safe_head()::text as head, current_setting('transaction_isolation') as isolation`,
)

const sequenceStatement = defineStatement(
  'check_sequence',
  (
    schema,
  ) => `select coalesce((select max(e.position) from ${schema}.events e), 0) > p.last_value - (not p.is_called)::int
    or coalesce((select max(e.stream_no) from ${schema}.events e), 0) > n.last_value - (not n.is_called)::int as behind
  from ${schema}.events_position_seq p, ${schema}.streams_stream_no_seq n`,
)

/** Reads the safe heads of a store's schemas. */
export class HeadReader {
  readonly #checked = new Set<string>()

  /**
   * The safe head: no event will ever appear at or below it that is not there already. 0 when nothing was ever appended.
   *
   * Events up to it must be read in a later statement than this one, whose snapshot is taken after it.
   *
   * @throws SequenceBehind at the first look at a schema whose sequence lags its table.
   * @throws UnsafeIsolation inside a transaction whose statements share one snapshot.
   */
  async read(scope: Pick<Scope, 'query'>, schema: string, inTransaction: boolean): Promise<number> {
    if (!this.#checked.has(schema)) await this.#check(scope, schema)
    const { rows } = await scope.query<readonly [head: string, isolation: string]>(headStatement(schema, []))
    const [head, isolation] = rows[0] as readonly [string, string]
    if (inTransaction && isolation !== 'read committed') throw new UnsafeIsolationError(isolation)
    return safeInteger(head, 'position')
  }

  async #check(scope: Pick<Scope, 'query'>, schema: string): Promise<void> {
    const { rows } = await scope.query<readonly [behind: boolean]>(sequenceStatement(schema, []))
    if (rows[0]?.[0] === true) throw new SequenceBehindError(schema)
    this.#checked.add(schema)
  }
}
