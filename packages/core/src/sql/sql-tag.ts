import type { TransactionClient } from '../connection/transaction-client.js'

/** A template tag that runs its text with its values bound. */
export type SqlTag = <Row = Readonly<Record<string, unknown>>>(
  text: TemplateStringsArray,
  ...values: readonly unknown[]
) => Promise<readonly Row[]>

/** The `tx.sql` of one transaction. */
export function sqlTag(client: TransactionClient): SqlTag {
  return async <Row>(text: TemplateStringsArray, ...values: readonly unknown[]): Promise<readonly Row[]> => {
    // The cooked text, joined by placeholders: what stands between the values is the programmer's own SQL.
    const joined = text.reduce((sql, part, index) => (index === 0 ? part : `${sql}$${index}${part}`), '')
    return (await client.queryObjects('sql', joined, values)) as readonly Row[]
  }
}
