import type { OrderEvent } from './order-events.js'

/** The tables that a careful engineer would write by hand for the plain contenders. */
export const PLAIN_TABLES = `
create schema plain;
create table plain.streams (
  stream_no bigint generated always as identity,
  stream_id text primary key,
  version bigint not null
) with (fillfactor = 80);
create table plain.events (
  position bigint generated always as identity primary key,
  stream_no bigint not null,
  stream_id text not null,
  version bigint not null,
  type text not null,
  data jsonb not null,
  headers jsonb,
  event_id uuid not null,
  created_at timestamptz not null default now(),
  unique (stream_no, version)
);`

/** One statement that appends to a stream at an expected version; no row comes back when it stands elsewhere. */
export const PLAIN_APPEND = `
with stream as (
  insert into plain.streams as s (stream_id, version)
  select $1::text, $2::bigint + jsonb_array_length($3::text::jsonb)
  on conflict (stream_id) do update set version = excluded.version where s.version = $2::bigint
  returning s.stream_no, s.stream_id
), stored as (
  insert into plain.events (stream_no, stream_id, version, type, data, event_id)
  select stream.stream_no, stream.stream_id, $2::bigint + e.number, e.event->>'type', e.event->'data', (e.event->>'id')::uuid
  from stream, jsonb_array_elements($3::text::jsonb) with ordinality as e (event, number)
  returning position
)
select max(position) as position from stored having count(*) > 0`

/** One stream, in order, with the columns that a fold needs. */
export const PLAIN_LOAD = `
select e.version, e.type, e.data from plain.events e
where e.stream_no = (select s.stream_no from plain.streams s where s.stream_id = $1::text)
order by e.version`

/** The events as the one parameter of {@link PLAIN_APPEND}. */
export function plainEvents(events: readonly OrderEvent[]): string {
  return JSON.stringify(events.map(({ type, data }) => ({ id: crypto.randomUUID(), type, data })))
}
