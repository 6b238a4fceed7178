import type { SchemaComponent } from '@rillflow/core'
import streams from '../sql/0001_streams.sql'
import guards from '../sql/0002_guards.sql'
import streamsAdmin from '../sql/0003_streams_admin.sql'
import imports from '../sql/0004_imports.sql'
import { declaredIndexes } from './definitions/declared-indexes.js'
import type { IndexedColumn } from './read/read-all-statement.js'

/**
 * What events keep in the database: tables, functions, and the indexes that filters ask for.
 *
 * @throws InvalidConfig for an index that there is none of.
 */
export function eventsComponent(indexed: readonly IndexedColumn[]): SchemaComponent {
  return {
    module: 'events',
    migrations: [
      { number: 1, name: 'streams', sql: streams },
      { number: 2, name: 'guards', sql: guards },
      { number: 3, name: 'streams_admin', sql: streamsAdmin },
      { number: 4, name: 'imports', sql: imports },
    ],
    indexes: declaredIndexes(indexed),
  }
}
