import type { ClientLike } from '@rillflow/core'
import { CompiledQuery, type Transaction } from 'kysely'

export function kyselyClient<Database>(trx: Transaction<Database>): ClientLike {
  // Plugins are for your own results; one that parses JSON or renames columns would change Rillflow's.
  const plain = trx.withoutPlugins()
  return {
    async query({ text, values = [] }) {
      const { rows, numAffectedRows } = await plain.executeQuery(CompiledQuery.raw(text, values))
      return { rows, rowCount: numAffectedRows === undefined ? null : Number(numAffectedRows) }
    },
  }
}
