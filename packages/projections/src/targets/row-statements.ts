import { defineStatement, ident, jsonText } from '@rillflow/core'
import type { TableShape } from './table-shape.js'

type MakeStatement = ReturnType<typeof defineStatement>

/** The statements on the rows of one table. */
export interface RowStatements {
  /** Rows by key, with their places in the list: `[keys]`, as JSON: the planner would plan anew for each length of an array. */
  readonly load: MakeStatement
  /** The same, held one after the other as the list has them. */
  readonly hold: MakeStatement
  /** Writes rows whole: `[rows]`. */
  readonly put: MakeStatement
  /** Removes rows: `[keys]`. */
  readonly remove: MakeStatement
}

/** Gives the statements of a table; the same ones for the same shape, so that each is prepared once. */
export function rowStatements(): (shape: TableShape) => RowStatements {
  const made = new Map<TableShape, RowStatements>()
  return (shape) => {
    const known = made.get(shape) ?? build(shape)
    made.set(shape, known)
    return known
  }
}

function build({ name, key, columns }: TableShape): RowStatements {
  const at = (schema: string): string => `${schema}.${ident(name)}`
  const keyColumn = ident(key.name)
  const quoted = columns.map(ident)
  const others = quoted.filter((column) => column !== keyColumn)
  const onConflict =
    others.length === 0
      ? 'nothing'
      : `update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
  // A subquery that locks is never reordered, so two that name the keys in one order cannot deadlock.
  const load =
    (lock: string) =>
    (schema: string): string => `select k.place::int as place, d.row
  from jsonb_array_elements_text($1::jsonb) with ordinality as k (key, place) cross join lateral (
    select ${jsonText('to_jsonb(t)')} as row from ${at(schema)} as t where t.${keyColumn} = k.key::${key.type} offset 0${lock}) d`
  return {
    load: defineStatement('load_rows', load('')),
    hold: defineStatement('hold_rows', load(' for no key update')),
    put: defineStatement(
      'put_rows',
      (schema) => `insert into ${at(schema)} (${quoted.join(', ')})
  select ${quoted.map((column) => `r.${column}`).join(', ')}
  from jsonb_populate_recordset(null::${at(schema)}, $1::jsonb) as r
  on conflict (${keyColumn}) do ${onConflict}`,
    ),
    remove: defineStatement(
      'remove_rows',
      (schema) => `delete from ${at(schema)} as t where t.${keyColumn} = any ($1::${key.type}[])`,
    ),
  }
}
