import { ident, literal, type Statement, type TransactionScope } from '@rillflow/core'
import { shadowTable } from '../targets/shadow-table.js'

/** Makes the empty table beside a table, that a rebuild fills. */
export async function makeShadowTable(scope: TransactionScope, table: string): Promise<void> {
  const { live, shadow } = await namesOf(scope, table)
  await scope.query(ddl(`drop table if exists ${shadow}`))
  await scope.query(ddl(`create table ${shadow} (like ${live} including all)`))
}

/**
 * Puts what a rebuild has made in the place of what is there. The rows move, not the table: its indexes, views and rights
 * stay, and readers see all of the one or all of the other.
 */
export async function swapShadowTable(scope: TransactionScope, table: string): Promise<void> {
  const { live, shadow } = await namesOf(scope, table)
  const columns = await columnsOf(scope, live)
  const list = columns.map(({ name }) => ident(name)).join(', ')
  await scope.query(ddl(`delete from ${live}`))
  await scope.query(ddl(`insert into ${live} (${list}) overriding system value select ${list} from ${shadow}`))
  for (const { name } of columns.filter(({ isIdentity }) => isIdentity)) await raiseIdentity(scope, live, name)
  await scope.query(ddl(`drop table ${shadow}`))
}

async function namesOf(
  scope: TransactionScope,
  table: string,
): Promise<{ readonly live: string; readonly shadow: string }> {
  const { schema } = await scope.target()
  return { live: `${ident(schema)}.${ident(table)}`, shadow: `${ident(schema)}.${ident(shadowTable(table))}` }
}

/** Run once, and with another text each time: prepared, each would stay on its connection. */
function ddl(text: string): Statement {
  return { operation: 'rebuild', text: `/* rillflow:rebuild */ ${text}`, values: [] }
}

interface Column {
  readonly name: string
  readonly isIdentity: boolean
}

/** The columns that can be written. */
async function columnsOf(scope: TransactionScope, live: string): Promise<readonly Column[]> {
  const { rows } = await scope.query<readonly [name: string, isIdentity: boolean]>({
    operation: 'rebuild',
    text: `/* rillflow:rebuild */ select a.attname::text as name, a.attidentity <> '' as identity from pg_catalog.pg_attribute a
  where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum`,
    values: [live],
  })
  return rows.map(([name, isIdentity]) => ({ name, isIdentity }))
}

/** What is made next must not meet a value that the rebuild has made. Never lowered: a swap may be undone, and this is not. */
async function raiseIdentity(scope: TransactionScope, live: string, column: string): Promise<void> {
  const sequence = `pg_catalog.pg_get_serial_sequence(${literal(live)}, ${literal(column)})`
  const made = `(select coalesce(max(${ident(column)}), 0) + 1 from ${live})`
  const own = `coalesce(pg_catalog.pg_sequence_last_value(${sequence}::regclass) + 1, 1)`
  await scope.query(ddl(`select pg_catalog.setval(${sequence}, greatest(${made}, ${own}), false)::text as raised`))
}
