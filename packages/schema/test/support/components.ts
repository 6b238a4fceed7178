import type { SchemaComponent } from '@rillflow/core'

/** Tables, a function whose body names the schema, and data: several statements in each text. */
export const notes: SchemaComponent = {
  module: 'notes',
  migrations: [
    {
      number: 1,
      name: 'notes',
      sql: `-- Don't run this by hand.
create table :"schema".notes (id text primary key, body text not null);
create function :"schema".add_note(id text, body text) returns text
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- It's the body's own comment.
  insert into :"schema".notes values (id, body);
  return :'schema';
end
$$;
`,
    },
    { number: 2, name: 'first note', sql: `select :"schema".add_note('first', ':"schema"')` },
  ],
  indexes: [{ name: 'notes_body', definition: `on :"schema".notes (body) where body <> ''`, unique: true }],
}

export const tags: SchemaComponent = {
  module: 'tags',
  migrations: [{ number: 1, name: 'tags', sql: 'create table :"schema".tags (tag text primary key);' }],
}

/** Something of each kind that a migration can make. */
export const shop: SchemaComponent = {
  module: 'shop',
  migrations: [
    {
      number: 1,
      name: 'shop',
      sql: `create type :"schema".mood as enum ('glad', 'sad');
create domain :"schema".amount as int not null check (value > 0);
create sequence :"schema".numbers cache 1 maxvalue 1000;
create table :"schema".people (
  id bigint generated always as identity primary key,
  name text collate "C" not null default 'nobody',
  home text default :'schema',
  number int default 7,
  mood :"schema".mood not null,
  upper_name text generated always as (upper(name)) stored,
  constraint people_name check (name <> '')
) with (fillfactor = 80);
create table :"schema".orders (
  person bigint not null references :"schema".people (id),
  amount :"schema".amount
);
create index orders_person on :"schema".orders (person) where amount > 7;
create statistics :"schema".people_statistics (dependencies) on name, mood from :"schema".people;
create view :"schema".glad_people as select id, name from :"schema".people where mood = 'glad';
create function :"schema".home_of(person bigint) returns text
  language plpgsql stable set search_path to pg_catalog, pg_temp as $$
begin
  -- In :'schema'.
  return (select home from :"schema".people p where p.id = person);
end
$$;
create function :"schema".refuse() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger people_refuse before delete on :"schema".people for each statement execute function :"schema".refuse();
alter table :"schema".orders enable row level security;
create policy orders_all on :"schema".orders using (amount < 5);
create rule orders_rule as on delete to :"schema".orders do also nothing;
`,
    },
  ],
}

/** The component with other migrations. */
export function withMigrations(component: SchemaComponent, ...sql: readonly string[]): SchemaComponent {
  const migrations = sql.map((text, place) => ({ number: place + 1, name: `step ${place + 1}`, sql: text }))
  return { module: component.module, migrations }
}
