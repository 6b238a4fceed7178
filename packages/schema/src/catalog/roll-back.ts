import type { Connection, TransactionClient } from '@rillflow/core'

/** Runs `work` in a transaction that is always rolled back, and returns what it returned. */
export async function rollBack<Result>(
  connection: Connection,
  work: (client: TransactionClient) => Promise<Result>,
): Promise<Result> {
  let result: Result | undefined
  const undo = new Error('rolled back on purpose')
  try {
    await connection.transaction(async (client) => {
      result = await work(client)
      throw undo
    })
  } catch (error) {
    if (error !== undo) throw error
  }
  return result as Result
}
