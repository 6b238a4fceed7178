import { defineStatement, type Scope } from '@rillflow/core'
import type { EventFilter } from '@rillflow/events'
import type { ConsumerKey } from './consumer-key.js'

/** What is stored of how a consumer was made. */
export interface StoredDefinition {
  readonly partitions: number
  readonly filter: EventFilter | undefined
}

const definitionStatement = defineStatement(
  'consumer_definition',
  (schema) => `select c.partitions, c.filter::text as filter from ${schema}.consumers c
  where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text and c.partition = 0`,
)

/** How a consumer was made; undefined when it was not. */
export async function readDefinition(scope: Scope, key: ConsumerKey): Promise<StoredDefinition | undefined> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<readonly [partitions: number, filter: string | null]>(
    definitionStatement(schema, [key.kind, key.name, key.group]),
  )
  const [row] = rows
  if (row === undefined) return undefined
  return { partitions: row[0], filter: row[1] === null ? undefined : (JSON.parse(row[1]) as EventFilter) }
}
