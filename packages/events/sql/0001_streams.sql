-- A stream's row is the one authority on its version: every append compares and sets it.
create table :"schema".streams (
  -- in byte order, so that a prefix is a range of the index
  stream_id text collate "C" primary key,
  stream_no bigint generated always as identity (sequence name :"schema".streams_stream_no_seq),
  category text not null,
  created_at timestamptz not null default now(),
  -- the two that an append changes stand together, which keeps its log short
  version bigint not null,
  updated_at timestamptz not null default now(),
  archived_at timestamptz,
  tombstoned_at timestamptz,
  constraint streams_version_exact check (version <= 9007199254740991)
) with (fillfactor = 80); -- room for the new version on the same page, so that no index is touched

-- The sequence must keep "cache 1": a cached block would hand out positions below the floor of a later writer. It ends
-- where JavaScript's numbers stop being exact, and so do versions.
create table :"schema".events (
  position bigint generated always as identity (sequence name :"schema".events_position_seq cache 1 maxvalue 9007199254740991) primary key,
  stream_no bigint not null,
  version bigint not null,
  stream_id text collate "C" not null,
  category text not null,
  type text not null,
  schema_version int not null,
  data jsonb not null,
  headers jsonb,
  event_id uuid not null,
  causation_id text,
  correlation_id text,
  created_at timestamptz not null default now(),
  constraint events_stream_no_version_key unique (stream_no, version)
);

-- The number of a stream, unless it is tombstoned and not asked for. A function, and not a subquery, so that the planner
-- sees which stream it is and how long.
create function :"schema".stream_no_of(id text, even_tombstoned boolean) returns bigint
  language plpgsql stable parallel safe set search_path to pg_catalog, pg_temp as $$
begin
  return (select s.stream_no from :"schema".streams s where s.stream_id = id and (even_tombstoned or s.tombstoned_at is null));
end
$$;

-- In the two functions below the sequence's last value is read by pg_sequence_last_value(), under the sequence's own lock.
-- Its row read as a table is up to 32 too high for a moment, every 32nd time, while nextval writes its log: a floor from
-- that protects nobody. Before the first nextval there is none, and the row, read before, was never touched.

-- Tells readers, by a lock that they can see, from which position on this transaction may still write. It must be held
-- before the first nextval. The key carries the low 24 bits of the sequence's oid and the low 40 bits of its last value;
-- safe_head() reads it back. Once in a transaction, because one key for each append would fill the lock table. The
-- setting is undone by a rollback to a savepoint exactly when the lock is, and never outlives the transaction.
create function :"schema".hold_floor() returns void
  language plpgsql volatile set search_path to pg_catalog, pg_temp as $$
declare
  seq record;
  held text;
begin
  select s.tableoid::bigint as id, coalesce(pg_sequence_last_value(s.tableoid), s.last_value - 1) as last into seq from :"schema".events_position_seq s;
  held := 'rillflow.floor_' || seq.id;
  if coalesce(current_setting(held, true), '') = '' then
    perform pg_advisory_xact_lock_shared(((seq.id & 16777215) << 40) | (seq.last & 1099511627775));
    perform set_config(held, seq.last::text, true);
  end if;
end
$$;

-- The position up to which nothing can appear any more: the sequence's last value, or the lowest floor that a writer
-- holds. The two reads stand in two statements because their order is the proof: a writer whose lock is not seen here
-- takes its positions after the first read, above what that read saw.
create function :"schema".safe_head() returns bigint
  language plpgsql volatile set search_path to pg_catalog, pg_temp as $$
declare
  seq record;
  lowest bigint;
begin
  select s.tableoid::bigint as id, coalesce(pg_sequence_last_value(s.tableoid), s.last_value - 1) as last into seq from :"schema".events_position_seq s;
  -- A floor is known modulo 2^40; it lies within 2^39 of the last value, before or after it.
  select min(((((l.classid::bigint & 255) << 32) | l.objid::bigint) - seq.last + 549755813888) & 1099511627775) into lowest
    from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 1 and l.mode = 'ShareLock' and l.granted
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
      and l.classid::bigint >> 8 = seq.id & 16777215;
  return least(seq.last, coalesce(seq.last + lowest - 549755813888, seq.last));
end
$$;

-- The first result of an append that was given a key. The key belongs to its stream.
create table :"schema".idempotency_keys (
  stream_id text collate "C" not null,
  key text not null,
  -- of the types and data of the events; a repeat with others is refused
  fingerprint bytea not null,
  version bigint not null,
  count int not null,
  created_at timestamptz not null default now(),
  primary key (stream_id, key)
);

-- Appends to several streams in one transaction. appends is
--   [[stream id, category, expected, [[type, schema version, data, headers, event id, causation id, correlation id], …], key], …]
-- where expected is a version, 0 for "no stream", -1 for "any", -2 for "stream exists", and key is an idempotency key or
-- null. "alone" tells that this call is its transaction, which then need not remember its floor; "notify" that it wakes
-- readers. What comes back stands in lists, because rows cost a batch a sixth of its time: for each append, in order, its
-- status, the stream's version now and, for a repeated key, the last position and the ids of the events that its first
-- use wrote; and the position of each event that was written now. An append whose status is not "appended" wrote nothing,
-- and the others are not disturbed by it. Appends must come sorted by stream id: two transactions that take the
-- same streams in different orders end in a deadlock. A key may stand once in a batch.
create function :"schema".append(
    appends jsonb, alone boolean, notify boolean,
    out statuses text, out versions text, out repeated text, out positions text)
  language plpgsql volatile set search_path to pg_catalog, pg_temp
  -- planned once: planning anew for the values of each call costs more than the appends of a small batch
  set plan_cache_mode to force_generic_plan as $$
declare
  item record;
  known record;
  number bigint;
  now_at bigint;
  its_category text;
  outcome text;
  before text;
  numbers bigint[] := '{}';
  now_at_all bigint[] := '{}';
  categories text[] := '{}';
  outcomes text[] := '{}';
  befores text[] := '{}';
  counts int[] := '{}';
begin
  if alone then
    -- The lock of hold_floor(), under the same key.
    perform pg_advisory_xact_lock_shared(((s.tableoid::bigint & 16777215) << 40)
      | (coalesce(pg_sequence_last_value(s.tableoid), s.last_value - 1) & 1099511627775))
      from :"schema".events_position_seq s;
  else
    perform :"schema".hold_floor();
  end if;
  for item in
    select a.x ->> 0 as stream_id, a.x ->> 1 as category, (a.x ->> 2)::bigint as expected,
      jsonb_array_length(a.x -> 3) as count, a.x ->> 4 as key,
      case when a.x ->> 4 is not null then sha256(convert_to(
        (select jsonb_agg(jsonb_build_array(v.x -> 0, v.x -> 2) order by v.i) from jsonb_array_elements(a.x -> 3) with ordinality as v (x, i))::text,
        'UTF8')) end as fingerprint
    from jsonb_array_elements(appends) as a (x)
  loop
    outcome := 'appended';
    before := '';
    if item.key is not null then
      -- Waits for another transaction that uses the key, so that its result can be seen below.
      insert into :"schema".idempotency_keys (stream_id, key, fingerprint, version, count)
        values (item.stream_id, item.key, item.fingerprint, 0, item.count) on conflict do nothing;
      if not found then
        select k.fingerprint, k.version, k.count, s.stream_no into known
          from :"schema".idempotency_keys k join :"schema".streams s on s.stream_id = k.stream_id
          where k.stream_id = item.stream_id and k.key = item.key;
        outcome := case when known.fingerprint = item.fingerprint then 'repeated' else 'mismatch' end;
        number := known.stream_no;
        now_at := known.version;
        if outcome = 'repeated' then
          select max(e.position) || ' ' || string_agg(e.event_id::text, ' ' order by e.version) into before
            from :"schema".events e
            where e.stream_no = number and e.version > now_at - known.count and e.version <= now_at;
        end if;
      end if;
    end if;
    while outcome = 'appended' loop
      number := null;
      if item.expected = -1 then
        insert into :"schema".streams as s (stream_id, category, version) values (item.stream_id, item.category, item.count)
          on conflict (stream_id) do update set version = s.version + excluded.version, updated_at = now()
            where s.archived_at is null and s.tombstoned_at is null
          returning s.stream_no, s.version, s.category into number, now_at, its_category;
      elsif item.expected = 0 then
        insert into :"schema".streams as s (stream_id, category, version) values (item.stream_id, item.category, item.count)
          on conflict (stream_id) do nothing
          returning s.stream_no, s.version, s.category into number, now_at, its_category;
      else
        update :"schema".streams as s set version = s.version + item.count, updated_at = now()
          where s.stream_id = item.stream_id and (s.version = item.expected or item.expected = -2)
            and s.archived_at is null and s.tombstoned_at is null
          returning s.stream_no, s.version, s.category into number, now_at, its_category;
      end if;
      exit when number is not null;
      select s.version, case when s.tombstoned_at is not null then 'tombstoned' when s.archived_at is not null then 'archived' else 'conflict' end
        into now_at, outcome from :"schema".streams s where s.stream_id = item.stream_id;
      if not found then
        now_at := 0;
        outcome := 'conflict';
      end if;
      -- The stream changed between the two statements and is now as expected: try again instead of telling a conflict
      -- whose actual version is the expected one.
      if outcome = 'conflict' and (item.expected = -1 or now_at = item.expected or (item.expected = -2 and now_at > 0)) then
        outcome := 'appended';
      end if;
    end loop;
    if item.key is not null and outcome = 'appended' then
      update :"schema".idempotency_keys k set version = now_at where k.stream_id = item.stream_id and k.key = item.key;
    elsif item.key is not null and outcome not in ('repeated', 'mismatch') then
      delete from :"schema".idempotency_keys k where k.stream_id = item.stream_id and k.key = item.key;
    end if;
    numbers := numbers || number;
    now_at_all := now_at_all || now_at;
    categories := categories || its_category;
    outcomes := outcomes || outcome;
    befores := befores || before;
    counts := counts || item.count;
  end loop;
  with written as (
    insert into :"schema".events as e
      (stream_no, version, stream_id, category, type, schema_version, data, headers, event_id, causation_id, correlation_id)
    select numbers[a.i], now_at_all[a.i] - counts[a.i] + v.i, a.x ->> 0, categories[a.i],
      v.x ->> 0, (v.x ->> 1)::int, v.x -> 2, nullif(v.x -> 3, 'null'::jsonb), (v.x ->> 4)::uuid, v.x ->> 5, v.x ->> 6
    from jsonb_array_elements(appends) with ordinality as a (x, i),
      jsonb_array_elements(a.x -> 3) with ordinality as v (x, i)
    where outcomes[a.i] = 'appended'
    returning e.position
  )
  select string_agg(w.position::text, ',') into positions from written w;
  statuses := array_to_string(outcomes, ',');
  versions := array_to_string(now_at_all, ',');
  repeated := array_to_string(befores, ',');
  if notify then
    perform pg_notify('rillflow', :'schema');
  end if;
end
$$;
