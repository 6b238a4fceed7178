import type { TransactionClient } from '../connection/transaction-client.js'
import type { SqlTag } from './store.js'

/** The `tx.sql` of one transaction. */
export function sqlTag(client: TransactionClient): SqlTag {
  return async <Row>(text: TemplateStringsArray, ...values: readonly unknown[]): Promise<readonly Row[]> => {
    // The cooked text, joined by placeholders: what stands between the values is the programmer's own SQL.
    const joined = text.reduce((sql, part, index) => (index === 0 ? part : `${sql}$${index}${part}`), '')
    return (await client.queryObjects('sql', joined, values)) as readonly Row[]
  }
}
