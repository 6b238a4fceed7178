import { fromDriverError } from '../errors/from-driver-error.js'
import type { Statement } from '../sql/statement.js'
import type { ClientLike, QueryResultLike } from './pool-like.js'

/** The rows of a statement, each an array in the order of its columns. */
export interface Rows<Row extends readonly unknown[]> {
  readonly rows: readonly Row[]
  /** How many rows the statement returned or changed. */
  readonly rowCount: number
}

/** Runs one statement on one client; every error comes out as a Rillflow error. */
export async function queryOn<Row extends readonly unknown[]>(
  client: ClientLike,
  statement: Statement,
  prepare: boolean,
): Promise<Rows<Row>> {
  let result: QueryResultLike
  try {
    result = await client.query(toConfig(statement, prepare))
  } catch (error) {
    throw fromDriverError(error, statement.operation)
  }
  return { rows: toArrays(result.rows) as readonly Row[], rowCount: result.rowCount ?? result.rows.length }
}

function toConfig(statement: Statement, prepare: boolean): Parameters<ClientLike['query']>[0] {
  const config = { text: statement.text, values: statement.values as unknown[], rowMode: 'array' as const }
  return prepare && statement.name !== undefined ? { ...config, name: statement.name } : config
}

/** A driver that knows no array rows gives objects, whose keys stand in the order of the columns. */
function toArrays(rows: readonly unknown[]): readonly (readonly unknown[])[] {
  if (rows.length === 0 || Array.isArray(rows[0])) return rows as readonly (readonly unknown[])[]
  return rows.map((row) => Object.values(row as object))
}
