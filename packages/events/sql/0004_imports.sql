-- How many rows of its source an import has stored; written in the transaction of each batch, so that a run that is begun
-- again neither loses rows nor stores them twice.
create table :"schema".imports (
  name text collate "C" primary key,
  count bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
