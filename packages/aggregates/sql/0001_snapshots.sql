-- States of aggregates that spare a load most of its events. Each is a copy that can be made again: dropping all of them
-- loses nothing. One row for each aggregate and stream, so that old ones leave nothing behind.
create table :"schema".snapshots (
  aggregate text collate "C" not null,
  stream_id text collate "C" not null,
  -- of the state, as its definition has it: states of another version are not read
  schema_version int not null,
  -- of the stream, whose events up to it are in the state
  version bigint not null,
  -- of the last of those events: after a restore the stream may come to the version again, with other events
  event_id uuid not null,
  state jsonb not null,
  created_at timestamptz not null default now(),
  primary key (aggregate, stream_id)
);
