import type { ClientLike } from '@rillflow/core'
import postgres, { type ParameterOrJSON, type TransactionSql } from 'postgres'

/** PostgreSQL's own type `unknown`: the statement decides what the parameter is, as it does without a type. */
const unknown = 705

export function postgresJsClient<Types extends Record<string, unknown>>(sql: TransactionSql<Types>): ClientLike {
  return {
    async query({ text, values = [], name, rowMode }) {
      // Without a type of its own, text for a jsonb parameter would be encoded as JSON a second time.
      const typed = values.map((value) =>
        typeof value === 'string' || value === null ? sql.typed(value, unknown) : value,
      ) as ParameterOrJSON<Types[keyof Types]>[]
      try {
        const query = sql.unsafe(text, typed, { prepare: name !== undefined })
        const rows = await (rowMode === 'array' ? query.values() : query)
        return { rows, rowCount: rows.count, command: rows.command }
      } catch (error) {
        // node-postgres, whose errors Rillflow reads, calls it `constraint`.
        throw error instanceof postgres.PostgresError
          ? Object.assign(error, { constraint: error.constraint_name })
          : error
      }
    },
  }
}
