import { defineStatement, type Scope } from '@rillflow/core'
import type { ConsumerKey } from './consumer-key.js'

/** How a consumer begins; told once, when it is made. */
export interface NewConsumer {
  readonly partitions: number
  readonly version: number
  readonly position: number
  readonly maxInFlight: number
  /** JSON, for one that an operator makes. */
  readonly filter?: string | undefined
}

const createStatement = defineStatement(
  'create_consumer',
  (
    schema,
  ) => `insert into ${schema}.consumers (kind, name, group_name, partition, partitions, version, position, max_in_flight, filter)
  select $1::text, $2::text, $3::text, p, $4::int, $5::int, $6::bigint, $7::int, $8::jsonb
  from generate_series(0, $4::int - 1) p
  where not exists (select from ${schema}.consumers c where c.kind = $1::text and c.name = $2::text and c.group_name = $3::text)
  on conflict on constraint consumers_key do nothing`,
)

/** Makes the rows of a consumer that is not there yet; one that is there stays as it is. True when it made it. */
export async function createConsumer(scope: Scope, key: ConsumerKey, begin: NewConsumer): Promise<boolean> {
  const { schema } = await scope.target()
  const { kind, name, group } = key
  const { partitions, version, position, maxInFlight, filter = null } = begin
  const values = [kind, name, group, partitions, version, position, maxInFlight, filter]
  const { rowCount } = await scope.query(createStatement(schema, values))
  return rowCount > 0
}
