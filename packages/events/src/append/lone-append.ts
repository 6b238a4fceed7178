import { defineStatement, type Statement } from '@rillflow/core'
import { channel } from '../head/channel.js'
import { lastPosition } from '../last-position.js'
import { encodeEvents } from './encode-appends.js'
import { encodeExpected } from './expected-version.js'
import type { PreparedAppend } from './prepare-append.js'
import type { PreparedEvent } from './prepared-event.js'

/** Where a lone append runs. */
export interface LoneAppend {
  /** Wakes readers in other processes when it commits. */
  readonly notify: boolean
  /** True inside a transaction, which may hold its floor already; false where the statement is the transaction. */
  readonly inTransaction: boolean
}

/**
 * The statement of one append that nobody else shares: half the work of the append function, which loops. It gives one
 * row, the stream's version and the last position, or none when the stream is not as expected.
 *
 * The floor is held before the first position is drawn because each step reads the rows of the step before it.
 */
export function loneAppendStatement(schema: string, append: PreparedAppend, how: LoneAppend): Statement {
  const { streamId, category, events } = append
  const expected = encodeExpected(append.expected)
  const claim = expected === -1 ? 'any' : expected === 0 ? 'none' : 'exact'
  const stream = claim === 'exact' ? [streamId, expected] : [streamId, category]
  const first = events[0] as PreparedEvent
  const payload = how.notify ? schema : null
  const { one, many } = how.inTransaction ? withinTransaction : onItsOwn
  return events.length === 1
    ? one[claim](schema, [...stream, ...eventValues(first), payload])
    : many[claim](schema, [...stream, encodeEvents(events), payload])
}

type Claim = 'any' | 'none' | 'exact'

/** Takes the versions; `f` holds the floor and knows the number of events. */
const claims: Readonly<Record<Claim, (schema: string) => string>> = {
  any: (schema) => `insert into ${schema}.streams as s (stream_id, category, version)
    select $1::text, $2::text, f.count from f
    on conflict (stream_id) do update set version = s.version + excluded.version, updated_at = now()
      where s.archived_at is null and s.tombstoned_at is null`,
  none: (schema) => `insert into ${schema}.streams as s (stream_id, category, version)
    select $1::text, $2::text, f.count from f
    on conflict (stream_id) do nothing`,
  exact: (schema) => `update ${schema}.streams as s set version = s.version + f.count, updated_at = now()
    from f
    where s.stream_id = $1::text and (s.version = $2::bigint or $2::bigint = -2)
      and s.archived_at is null and s.tombstoned_at is null`,
}

const columns =
  'stream_no, version, stream_id, category, type, schema_version, data, headers, event_id, causation_id, correlation_id'

/** How the events of a statement are written. */
interface EventsShape {
  /** How many they are, as SQL. */
  readonly count: string
  /** What is inserted, from the stream's version on. */
  readonly values: string
  /** The parameter that carries the notification. */
  readonly notify: string
}

const oneEvent: EventsShape = {
  count: '1',
  values: `s.version, $1::text, s.category, $3::text, $4::int, $5::jsonb, $6::jsonb, $7::uuid, $8::text, $9::text
    from s`,
  notify: '$10',
}

const manyEvents: EventsShape = {
  count: 'jsonb_array_length($3::jsonb)',
  values: `s.version - jsonb_array_length($3::jsonb) + v.i, $1::text, s.category, v.x ->> 0, (v.x ->> 1)::int, v.x -> 2,
      nullif(v.x -> 3, 'null'::jsonb), (v.x ->> 4)::uuid, v.x ->> 5, v.x ->> 6
    from s, jsonb_array_elements($3::jsonb) with ordinality as v (x, i)`,
  notify: '$4',
}

/**
 * The lock of `hold_floor()` without its memory: a statement that is a transaction needs none, and is a fifth faster. The
 * key must be the same as there.
 */
const holdOnce = (schema: string): string => `, pg_advisory_xact_lock_shared(((s.tableoid::bigint & 16777215) << 40)
    | (${lastPosition} & 1099511627775)) as held from ${schema}.events_position_seq s`

const holdFloor = (schema: string): string => ` from ${schema}.hold_floor()`

const onItsOwn = statementsHolding('', holdOnce)
const withinTransaction = statementsHolding('_in_transaction', holdFloor)

type ByClaim = Readonly<Record<Claim, ReturnType<typeof defineStatement>>>

function statementsHolding(
  where: string,
  hold: (schema: string) => string,
): { readonly one: ByClaim; readonly many: ByClaim } {
  return {
    one: statements(`append_one${where}`, oneEvent, hold),
    many: statements(`append_many${where}`, manyEvents, hold),
  }
}

function statements(operation: string, shape: EventsShape, hold: (schema: string) => string): ByClaim {
  const build = (claim: Claim): ReturnType<typeof defineStatement> =>
    defineStatement(
      `${operation}_${claim}`,
      (schema) => `with
  f as materialized (select ${shape.count} as count${hold(schema)}),
  s as (${claims[claim](schema)} returning s.stream_no, s.version, s.category),
  e as (insert into ${schema}.events (${columns})
    select s.stream_no, ${shape.values} returning version, position)
select a.version::text as version, a.position::text as "position",
  case when ${shape.notify}::text is not null then pg_notify('${channel}', ${shape.notify}::text)::text end as notified
from (select e.version, e.position from e order by e.version desc limit 1) a`,
    )
  return { any: build('any'), none: build('none'), exact: build('exact') }
}

function eventValues(event: PreparedEvent): readonly unknown[] {
  const { type, schemaVersion, data, headers, id, causationId, correlationId } = event
  return [type, schemaVersion, data, headers, id, causationId, correlationId]
}
