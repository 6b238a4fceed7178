import { setTimeout as sleep } from 'node:timers/promises'
import {
  CommitOutcomeUnknownError,
  ConnectionLostError,
  fromDriverError,
  isRillflowError,
  type ClientLike,
  type Connection,
  type QueryConfigLike,
  type QueryResultLike,
  type Statement,
} from '@rillflow/core'

const attempts = 5

/**
 * Runs `work` in a transaction on a lent connection of the driver's, which a COPY needs; again after a deadlock or a
 * serialization failure. Every error comes out as a Rillflow error, but one that `work` throws itself.
 */
export async function inLentTransaction<Result>(
  connection: Connection,
  operation: string,
  work: (client: ClientLike) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connection.withClient(operation, (client) => run(client, work))
    } catch (error) {
      const isRace = isRillflowError(error, 'Deadlock') || isRillflowError(error, 'SerializationFailure')
      if (!isRace || attempt === attempts) throw error
      // Random, because two losers that wait alike meet again.
      await sleep(Math.random() * 5 * 2 ** attempt)
    }
  }
}

async function run<Result>(client: ClientLike, work: (client: ClientLike) => Promise<Result>): Promise<Result> {
  await send(client, 'begin', { text: 'begin' })
  let result: Result
  try {
    result = await work(client)
  } catch (error) {
    await rollback(client, error)
    throw error
  }
  await commit(client)
  return result
}

async function rollback(client: ClientLike, reason: unknown): Promise<void> {
  try {
    await client.query({ text: 'rollback' })
  } catch {
    // A connection that nobody can know anything of must not go back to the pool, whatever the first error was.
    if (isRillflowError(reason, 'ConnectionLost') || isRillflowError(reason, 'DriverError')) return
    throw new ConnectionLostError('rollback: the connection to PostgreSQL was lost; nothing was stored.', reason)
  }
}

async function commit(client: ClientLike): Promise<void> {
  try {
    await send(client, 'commit', { text: 'commit' })
  } catch (error) {
    if (!isRillflowError(error, 'ConnectionLost') && !isRillflowError(error, 'DriverError')) throw error
    throw new CommitOutcomeUnknownError(
      'The connection was lost while COMMIT was under way: the whole batch is stored, or nothing of it.',
      error,
    )
  }
}

/** All columns are selected as text; a parser that the program set globally would reach even those. */
const asText = { getTypeParser: () => (text: string) => text }

/** Runs a statement, unprepared; all its columns must be text. */
export async function rowsOf<Row extends readonly string[]>(
  client: ClientLike,
  { operation, text, values }: Statement,
): Promise<readonly Row[]> {
  const { rows } = await send(client, operation, { text, values: [...values], rowMode: 'array', types: asText })
  // A driver that knows no array rows gives objects, whose keys stand in the order of the columns.
  return rows.map((row) => (Array.isArray(row) ? row : Object.values(row as object))) as unknown as readonly Row[]
}

async function send(client: ClientLike, operation: string, config: QueryConfigLike): Promise<QueryResultLike> {
  try {
    return await client.query(config)
  } catch (error) {
    throw fromDriverError(error, operation)
  }
}
