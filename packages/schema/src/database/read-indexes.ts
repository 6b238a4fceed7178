import { markPrefix, type WantedIndex } from '../components/wanted-index.js'
import type { Reader } from './reader.js'

/** An index that is there. */
export interface IndexState {
  readonly name: string
  /** Of this very index: a new one under the same name has another. */
  readonly oid: string
  readonly table: string
  /** False while it is being built, and for ever after a build that did not end well. */
  readonly valid: boolean
  readonly comment: string | undefined
}

/** A subquery: as JSON, the indexes of the schema that are named in the JSON array of a parameter or carry a mark. */
export function selectIndexes(schemaOid: string, names: string): string {
  return `(select coalesce(json_agg(json_build_object('name', i.relname, 'oid', i.oid::text, 'table', r.relname,
      'valid', x.indisvalid, 'comment', pg_catalog.obj_description(i.oid, 'pg_class'))), '[]')::text
    from pg_catalog.pg_class i
    join pg_catalog.pg_index x on x.indexrelid = i.oid
    join pg_catalog.pg_class r on r.oid = x.indrelid
    where i.relnamespace = ${schemaOid} and (
      i.relname::text in (select json_array_elements_text(${names}::text::json))
      or pg_catalog.obj_description(i.oid, 'pg_class') like '%${markPrefix}%'))`
}

/** What {@link selectIndexes} gave, by name. */
export function parseIndexes(json: string): ReadonlyMap<string, IndexState> {
  const found = JSON.parse(json) as readonly (Omit<IndexState, 'comment'> & { readonly comment: string | null })[]
  return new Map(found.map((index) => [index.name, { ...index, comment: index.comment ?? undefined }]))
}

/** Whether it was built from the definition that the code has now. */
export function hasMark(index: IndexState, mark: string): boolean {
  return index.comment?.includes(mark) === true
}

/**
 * The tables on which an index is still to be made, as far as that can be seen.
 *
 * Of the others nobody asks the size: to ask is to wait for whoever alters the table, and a start with nothing to do
 * must not.
 */
export function unsettledTables(
  wanted: readonly WantedIndex[],
  found: ReadonlyMap<string, IndexState>,
): readonly string[] {
  const unsettled = wanted.filter(({ name, mark }) => {
    const index = found.get(name)
    return index === undefined || !index.valid || !hasMark(index, mark)
  })
  return [...new Set(unsettled.map((index) => index.table))]
}

/** Those of the tables that have pages; it needs no right to read them. */
export async function readLiveTables(
  reader: Reader,
  schema: string,
  tables: readonly string[],
): Promise<ReadonlySet<string>> {
  if (tables.length === 0) return new Set()
  const { rows } = await reader.query<readonly [string]>({
    operation: 'reading which tables are empty',
    text: `/* rillflow:live-tables */
select c.relname::text as name
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname::text = $1::text and c.relkind in ('r', 'm')
  and c.relname::text in (select json_array_elements_text($2::text::json))
  and pg_catalog.pg_relation_size(c.oid) > 0`,
    values: [schema, JSON.stringify(tables)],
  })
  return new Set(rows.map(([name]) => name))
}
