-- Events are facts: nothing changes or deletes one, but the maintenance functions below, which say so for the length of
-- their transaction.
create function :"schema".refuse_change() returns trigger
  language plpgsql set search_path to pg_catalog, pg_temp as $$
begin
  if coalesce(current_setting('rillflow.maintenance', true), '') <> 'on' then
    raise exception 'events are append-only: % on % is refused', tg_op, tg_table_name
      using errcode = 'RF001', hint = 'Append an event that corrects, or use a maintenance function of this schema.';
  end if;
  return null;
end
$$;

create trigger events_append_only before update or delete or truncate on :"schema".events
  for each statement execute function :"schema".refuse_change();

-- Deletes the events of a tombstoned stream for good, and gives their number. The stream's row stays, so that its id
-- cannot be used again.
create function :"schema".erase_events(of_stream text) returns bigint
  language plpgsql volatile set search_path to pg_catalog, pg_temp as $$
declare
  erased bigint;
begin
  perform set_config('rillflow.maintenance', 'on', true);
  delete from :"schema".events e using :"schema".streams s
    where s.stream_id = of_stream and s.tombstoned_at is not null and e.stream_no = s.stream_no and e.stream_id = s.stream_id;
  get diagnostics erased = row_count;
  perform set_config('rillflow.maintenance', '', true);
  return erased;
end
$$;

-- Streams whose row and events disagree: problem is "version" (the row names another last version), "hole" (versions are
-- missing in between) or "missing" (events without a row).
create function :"schema".verify_streams()
  returns table (stream_id text, problem text, version bigint, last_version bigint, events bigint)
  language sql stable set search_path to pg_catalog, pg_temp as $$
  with stored as (
    select e.stream_no, min(e.stream_id) as stream_id, max(e.version) as last_version, count(*) as events
    from :"schema".events e group by e.stream_no
  )
  select coalesce(s.stream_id, t.stream_id),
    case when s.stream_no is null then 'missing' when s.version <> coalesce(t.last_version, 0) then 'version' else 'hole' end,
    s.version, coalesce(t.last_version, 0), coalesce(t.events, 0)
  from :"schema".streams s full join stored t on t.stream_no = s.stream_no
  where s.stream_no is null
    or (s.tombstoned_at is null and (s.version <> coalesce(t.last_version, 0) or coalesce(t.last_version, 0) <> coalesce(t.events, 0)))
  order by 1
$$;

-- Makes the rows of streams agree with their events again, where that is possible; a hole is not. Holds off all appends
-- meanwhile, and gives what it mended.
create function :"schema".repair_streams()
  returns table (stream_id text, problem text, version bigint, last_version bigint, events bigint)
  language plpgsql volatile set search_path to pg_catalog, pg_temp as $$
begin
  lock table :"schema".streams in share row exclusive mode;
  return query
    with wrong as (
      select v.* from :"schema".verify_streams() v where v.problem <> 'hole' and v.last_version > 0
    ),
    mended as (
      update :"schema".streams s set version = w.last_version, updated_at = now()
        from wrong w where w.problem = 'version' and s.stream_id = w.stream_id
    ),
    made as (
      insert into :"schema".streams (stream_no, stream_id, category, version, created_at) overriding system value
        select e.stream_no, e.stream_id, e.category, w.last_version, e.created_at
        from wrong w cross join lateral (
          select e.* from :"schema".events e where e.stream_id = w.stream_id order by e.version limit 1
        ) e
        where w.problem = 'missing'
    )
    select w.stream_id, w.problem, w.version, w.last_version, w.events from wrong w;
end
$$;
