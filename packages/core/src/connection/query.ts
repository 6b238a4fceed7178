import { ConnectionLostError } from '../errors/database-errors.js'
import { fromDriverError, wasNeverSent } from '../errors/from-driver-error.js'
import type { RillflowError } from '../errors/rillflow-error.js'
import { withJsonCast, type Statement } from '../sql/statement.js'
import type { ClientLike, QueryResultLike, TypeParsersLike } from './pool-like.js'

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
    result = await client.query(toConfig(client, statement, prepare))
  } catch (error) {
    throw withSent(fromDriverError(error, statement.operation), client)
  }
  return { rows: toArrays(result.rows) as readonly Row[], rowCount: result.rowCount ?? result.rows.length }
}

/** The caller of a lost connection must know that its statement may have run. */
function withSent(error: RillflowError, client: ClientLike): RillflowError {
  if (!(error instanceof ConnectionLostError)) return withoutPayload(error)
  if (wasNeverSent(error.cause) || waitedInVain(error.cause)) return error
  return new ConnectionLostError(error.message, error.cause, { backendPid: client.processID ?? undefined })
}

/** PgBouncer gave up waiting for a session of the server, and has kept to itself what it should have sent there. */
function waitedInVain(cause: unknown): boolean {
  const { code, message } = (cause ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return code === '08P01' && message === 'query_wait_timeout'
}

/** The server quotes values in these fields, and loggers print causes. */
function withoutPayload(error: RillflowError): RillflowError {
  const cause = error.cause as { detail?: unknown; where?: unknown; internalQuery?: unknown } | undefined
  if (cause instanceof Error) {
    delete cause.detail
    delete cause.where
    delete cause.internalQuery
  }
  return error
}

function toConfig(client: ClientLike, statement: Statement, prepare: boolean): Parameters<ClientLike['query']>[0] {
  const values = statement.values as unknown[]
  const text = takesParsers(client) ? statement.text : withJsonCast(statement.text)
  const config = { text, values, rowMode: 'array' as const, types: ownParsers }
  if (!prepare || statement.name === undefined) return config
  // An adapter may stand on a connection that also serves us without it, and there one name must mean one text.
  return { ...config, name: text === statement.text ? statement.name : `${statement.name}t` }
}

/** The client of node-postgres in JavaScript, which leaves the values of a query to the parsers that come with it. */
function takesParsers(client: ClientLike): boolean {
  const { connection, getTypeParser } = client as { readonly connection?: unknown; readonly getTypeParser?: unknown }
  return typeof connection === 'object' && typeof getTypeParser === 'function'
}

const asBoolean = (text: string): boolean => text === 't'
const asText = (text: string): string => text

/** Statements select boolean, int4 and text alone; a parser that the program set globally would reach even those. */
const ownParsers: TypeParsersLike = {
  getTypeParser: (oid) => (oid === 16 ? asBoolean : oid === 23 ? Number : asText),
}

/** A driver that knows no array rows gives objects, whose keys stand in the order of the columns. */
function toArrays(rows: readonly unknown[]): readonly (readonly unknown[])[] {
  if (rows.length === 0 || Array.isArray(rows[0])) return rows as readonly (readonly unknown[])[]
  return rows.map((row) => Object.values(row as object))
}
