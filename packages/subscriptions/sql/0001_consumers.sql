-- One row for each reader of the feed that keeps its place here: its checkpoint, its lease and its control stand
-- together, so that one row lock orders them all.
create table :"schema".consumers (
  consumer_id bigint generated always as identity primary key,
  kind text not null,
  name text collate "C" not null,
  -- several groups may follow one subscription, each with a checkpoint of its own; empty for the only one
  group_name text collate "C" not null default '',
  partition int not null default 0,
  partitions int not null default 1,
  -- of what the reader was made for; a projection is built anew when it grows
  version int not null default 1,
  -- whatever it selects up to here has been handled, or is a dead letter
  position bigint not null,
  -- grows with each acquisition of the lease and each act of an operator: who works under an older one changes nothing
  epoch bigint not null default 0,
  lease_owner uuid,
  lease_until timestamptz,
  -- asked by a worker that has fewer partitions, and kept free for it until then
  handover_to uuid,
  handover_until timestamptz,
  status text not null default 'active',
  -- the lowest event that failed and is to be tried again
  failing_position bigint,
  attempts int not null default 0,
  backoff_until timestamptz,
  last_error jsonb,
  max_in_flight int not null default 1,
  -- of a subscription that an operator made
  filter jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint consumers_key unique (kind, name, group_name, partition),
  constraint consumers_status check (status in ('active', 'paused', 'stopped'))
) with (fillfactor = 50); -- each checkpoint and heartbeat stays on the page, so that no index is touched

-- Events that a consumer could not handle, and those behind them in their streams, which wait for them.
create table :"schema".dead_letters (
  letter_id bigint generated always as identity primary key,
  consumer_id bigint not null references :"schema".consumers on delete cascade,
  position bigint not null,
  stream_id text collate "C" not null,
  event_id uuid not null,
  type text not null,
  -- true when later events of the stream wait behind it
  parks boolean not null,
  -- false for one that failed, true for one that was never tried because it waits behind another
  waiting boolean not null,
  attempts int not null default 0,
  error jsonb,
  requeued_at timestamptz,
  created_at timestamptz not null default now(),
  constraint dead_letters_key unique (consumer_id, position)
);

-- What a worker asks when it begins: which streams are parked, and what of them is to be tried again.
create index dead_letters_consumer_id_stream_id_idx on :"schema".dead_letters (consumer_id, stream_id, position);
