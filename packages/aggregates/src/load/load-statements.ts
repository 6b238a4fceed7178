import { defineStatement, jsonText } from '@rillflow/core'
import { bareColumns } from '@rillflow/events'

/** A row of a load: the snapshot, whose type is null and whose data the state, then the events behind it. */
export type LoadRow = readonly [version: string, type: string | null, schemaVersion: number, data: string]

/** `$1` is the stream, `$2` and `$3` the versions from and to, `$4` the most rows. */
export const loadEvents = defineStatement(
  'load_aggregate_events',
  (schema) => `select ${bareColumns} from ${schema}.events e
  where e.stream_no = ${schema}.stream_no_of($1::text, false) and e.version between $2::bigint and $3::bigint
  order by e.version limit $4::bigint`,
)

/**
 * The snapshot of `$5`, the aggregate, in version `$6` of its state, with the events behind it: one statement, so that
 * both are of one moment. A snapshot that ends with an event that the stream does not have, as after a restore, is none.
 */
export const loadFromSnapshot = defineStatement(
  'load_aggregate',
  (schema) => `with base as materialized (
  select s.version, s.state from ${schema}.snapshots s
    join ${schema}.streams t on t.stream_id = s.stream_id
    join ${schema}.events e on e.stream_no = t.stream_no and e.version = s.version and e.event_id = s.event_id
  where s.aggregate = $5::text and s.stream_id = $1::text and s.schema_version = $6::int
    and s.version <= $3::bigint and t.tombstoned_at is null)
select b.version, null::text as type, 0 as schema_version, ${jsonText('b.state')} as data from base b
union all
(select ${bareColumns} from ${schema}.events e
  where e.stream_no = ${schema}.stream_no_of($1::text, false)
    and e.version > coalesce((select b.version from base b), $2::bigint - 1) and e.version <= $3::bigint
  order by e.version limit $4::bigint)`,
)

/**
 * The version that stream `$1` had at the time `$2`, which is the one before the first event that is later. Compared in
 * milliseconds, which is what a `Date` holds: an event's own `createdAt` must not lie before it.
 */
export const versionAt = defineStatement(
  'version_at',
  (schema) => `select coalesce(
  (select e.version - 1 from ${schema}.events e
    where e.stream_no = ${schema}.stream_no_of($1::text, false) and date_trunc('milliseconds', e.created_at) > $2::timestamptz
    order by e.version limit 1),
  (select t.version from ${schema}.streams t where t.stream_id = $1::text))::text as version`,
)

/** Holds the row of stream `$1`, and with it every append to the stream, until the transaction ends. */
export const lockStream = defineStatement(
  'lock_stream',
  (schema) => `select true as locked from ${schema}.streams s where s.stream_id = $1::text for no key update`,
)
