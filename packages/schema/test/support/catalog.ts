interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** An index as the catalog has it. */
export interface CatalogIndex {
  readonly name: string
  readonly oid: number
  readonly valid: boolean
  readonly comment: string | null
  readonly definition: string
}

/** The indexes of a table of the schema `app`, in the order of their names. */
export async function indexesOf(database: Queryable, table: string): Promise<readonly CatalogIndex[]> {
  const { rows } = await database.query(
    `select i.relname::text as name, i.oid::int as oid, x.indisvalid and x.indisready as valid,
       obj_description(i.oid, 'pg_class') as comment, pg_get_indexdef(i.oid) as definition
     from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = ('app.' || $1)::regclass order by 1`,
    [table],
  )
  return rows as readonly CatalogIndex[]
}

/** The names of the indexes of the schema `app` that are not valid. */
export async function invalidIndexes(database: Queryable): Promise<readonly unknown[]> {
  const { rows } = await database.query(
    `select i.relname::text as name from pg_index x join pg_class i on i.oid = x.indexrelid
     where i.relnamespace = 'app'::regnamespace and not x.indisvalid`,
  )
  return rows
}
