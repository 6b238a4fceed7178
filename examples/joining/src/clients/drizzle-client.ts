import type { ClientLike, QueryResultLike } from '@rillflow/core'
import { DrizzleQueryError, type TablesRelationalConfig } from 'drizzle-orm'
import type { NodePgQueryResultHKT } from 'drizzle-orm/node-postgres'
import type { PgTransaction } from 'drizzle-orm/pg-core'

export function drizzleClient<Schema extends Record<string, unknown>, Tables extends TablesRelationalConfig>(
  tx: PgTransaction<NodePgQueryResultHKT, Schema, Tables>,
): ClientLike {
  return {
    async query({ text, values = [], name }) {
      try {
        const query = tx._.session.prepareQuery({ sql: text, params: values }, undefined, name, false)
        return (await query.execute()) as QueryResultLike
      } catch (error) {
        // Drizzle wraps the driver's error; Rillflow needs the SQLSTATE inside.
        throw error instanceof DrizzleQueryError ? error.cause : error
      }
    },
  }
}
