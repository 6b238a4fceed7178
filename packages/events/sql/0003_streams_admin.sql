-- Names that lead to stream ids. The stream need not exist yet: its first append makes it.
create table :"schema".stream_aliases (
  alias text collate "C" primary key,
  stream_id text collate "C" not null,
  created_at timestamptz not null default now()
);

-- Archives, unarchives or tombstones a stream whose version is as expected (as in append: a version, 0 for "no stream",
-- -1 for "any", -2 for "stream exists"). One row comes back: what became of it, and the stream as it is now. Doing again
-- what is done already changes nothing. The row lock is the one that appends take: an append either comes before, and is
-- counted in the version seen here, or finds the stream closed.
create function :"schema".close_stream(id text, action text, expected bigint)
  returns table (status text, category text, version bigint,
    created_at timestamptz, updated_at timestamptz, archived_at timestamptz, tombstoned_at timestamptz)
  language plpgsql volatile set search_path to pg_catalog, pg_temp as $$
declare
  found_row record;
  outcome text;
begin
  loop
    select s.version, s.tombstoned_at into found_row from :"schema".streams s where s.stream_id = id for no key update;
    exit when found or action <> 'tombstone' or expected not in (-1, 0);
    -- Nothing is there to end: the row keeps the id from ever being used.
    insert into :"schema".streams as s (stream_id, category, version, tombstoned_at) values (id, '', 0, now())
      on conflict do nothing returning s.version, s.tombstoned_at into found_row;
    exit when found;
    -- Another transaction made the stream in between; the next look sees it.
  end loop;
  outcome := case
    when found_row is null then 'missing'
    when found_row.tombstoned_at is not null and action <> 'tombstone' then 'tombstoned'
    when expected = -1 or expected = found_row.version or (expected = -2 and found_row.version > 0) then 'done'
    else 'conflict'
  end;
  if outcome = 'done' then
    update :"schema".streams s set
        archived_at = case action when 'archive' then coalesce(s.archived_at, now()) when 'unarchive' then null else s.archived_at end,
        tombstoned_at = case action when 'tombstone' then coalesce(s.tombstoned_at, now()) end
      where s.stream_id = id;
  end if;
  return query
    select outcome, s.category, s.version, s.created_at, s.updated_at, s.archived_at, s.tombstoned_at
      from (select 1) always left join :"schema".streams s on s.stream_id = id;
end
$$;
