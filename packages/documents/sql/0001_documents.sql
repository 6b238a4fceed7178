-- One table for every collection. The texts are compared by their bytes ("C"): the order of ids and the indexes then
-- depend on no locale of the machine, and survive an upgrade of its C library.
create table :"schema".docs (
  collection text collate "C" not null,
  id text collate "C" not null,
  doc jsonb not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  constraint docs_pkey primary key (collection, id),
  constraint docs_version_positive check (version > 0),
  constraint docs_id_agrees check ((doc ->> 'id') collate "C" = id)
);

comment on table :"schema".docs is 'Rillflow documents: one row per document; deleted_at marks a soft-deleted one.';
