import type { SchemaComponent } from '@rillflow/core'

/** The key of the advisory lock at which the build of {@link gated} stands still. */
export const gate = 4712

/** A table with rows from its second migration on. */
export function liveItems(rows: number): SchemaComponent {
  return {
    module: 'items',
    migrations: [
      { number: 1, name: 'items', sql: 'create table :"schema".items (id bigserial primary key, body text not null);' },
      {
        number: 2,
        name: 'rows',
        sql: `insert into :"schema".items (body) select 'body ' || n from generate_series(1, ${rows}) n;
create function :"schema".slowly(body text) returns text language plpgsql immutable as $$
begin
  if body = 'body ${Math.floor(rows / 2)}' then
    perform pg_advisory_lock_shared(${gate}), pg_advisory_unlock_shared(${gate});
  end if;
  return body;
end
$$;`,
      },
    ],
  }
}

/** The component with an index whose build stands still at the row in the middle while somebody holds the gate. */
export function gated(component: SchemaComponent): SchemaComponent {
  const definition = 'on :"schema".items (:"schema".slowly(body))'
  return { ...component, indexes: [{ name: 'items_by_body', definition, unique: false }] }
}

/** The component with a plain index. */
export function withIndex(component: SchemaComponent, unique = false): SchemaComponent {
  return { ...component, indexes: [{ name: 'items_by_body', definition: 'on :"schema".items (body)', unique }] }
}
