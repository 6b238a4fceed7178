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

/** The component with other migrations. */
export function withMigrations(component: SchemaComponent, ...sql: readonly string[]): SchemaComponent {
  const migrations = sql.map((text, place) => ({ number: place + 1, name: `step ${place + 1}`, sql: text }))
  return { module: component.module, migrations }
}
