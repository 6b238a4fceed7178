import { InvalidConfigError, type DeclaredIndex } from '@rillflow/core'
import type { IndexedColumn } from '../read/read-all-statement.js'

const columns: Readonly<Record<IndexedColumn, string>> = {
  type: 'type',
  category: 'category',
  correlationId: 'correlation_id',
}

/**
 * The indexes that filters on the feed ask for.
 *
 * @throws InvalidConfig for a column that has none.
 */
export function declaredIndexes(indexed: readonly IndexedColumn[]): readonly DeclaredIndex[] {
  return indexed.map((name) => {
    if (!Object.hasOwn(columns, name)) {
      throw new InvalidConfigError(
        `events: there is no index for ${JSON.stringify(name)}; there are ${Object.keys(columns).join(', ')}.`,
      )
    }
    const column = columns[name]
    return {
      name: `events_${column}_position_idx`,
      // Most events of many stores have no correlation, and such rows need no entry.
      definition: `on :"schema".events (${column}, position)${name === 'correlationId' ? ' where correlation_id is not null' : ''}`,
      unique: false,
    }
  })
}
