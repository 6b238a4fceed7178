import { ident, InvalidConfigError, isRillflowError, safeInteger, type Statement } from '@rillflow/core'
import type { WantedIndex } from '../components/wanted-index.js'
import { migrationColumns } from './migration-table.js'
import { permissionDenied } from './permission-denied.js'
import { parseIndexes, readLiveTables, selectIndexes, unsettledTables, type IndexState } from './read-indexes.js'
import type { Reader } from './reader.js'

/** A row of the migrations table. */
export interface AppliedMigration {
  readonly module: string
  readonly number: number
  readonly name: string
  readonly checksum: string
  readonly appliedAt: Date
}

/** What a database has of one schema. */
export interface SchemaState {
  readonly schema: string
  readonly role: string
  readonly database: string
  readonly schemaExists: boolean
  readonly tableExists: boolean
  /** In the order of module and number. */
  readonly applied: readonly AppliedMigration[]
  /** By name: those of the indexes asked for that are there, and all that carry a mark. */
  readonly indexes: ReadonlyMap<string, IndexState>
  /** Those of the tables asked for that have pages: an index is built on them without holding up writers. */
  readonly liveTables: ReadonlySet<string>
}

/**
 * Reads what a schema has, from the catalogs and the migrations table; works on an empty database, and for a role that
 * may create nothing.
 *
 * @throws InvalidConfig when the schema has a table `migrations` that is somebody else's.
 */
export async function readState(reader: Reader, schema: string, wanted: readonly WantedIndex[]): Promise<SchemaState> {
  const { rows } = await reader.query<CatalogRow>(readCatalog(schema, wanted))
  const [role, database, schemaExists, tableExists, columns, indexes] = rows[0] as CatalogRow
  if (tableExists && columns !== migrationColumns.length) throw foreignTable(schema)
  const found = parseIndexes(indexes)
  return {
    schema,
    role,
    database,
    schemaExists,
    tableExists,
    applied: tableExists ? await readApplied(reader, { schema, role }) : [],
    indexes: found,
    liveTables: await readLiveTables(reader, schema, unsettledTables(wanted, found)),
  }
}

type CatalogRow = readonly [string, string, boolean, boolean, number, string]

/** Reads the catalogs and not `to_regclass`, which needs USAGE on a schema to say whether it has a table. */
function readCatalog(schema: string, wanted: readonly WantedIndex[]): Statement {
  const columns = migrationColumns.map((column) => `'${column}'`).join(', ')
  return {
    operation: 'reading the state of the schema',
    text: `/* rillflow:schema-state */
select current_user::text as role_name, current_database()::text as database_name,
  n.oid is not null as schema_exists, t.oid is not null as table_exists,
  (select count(*)::integer from pg_catalog.pg_attribute a
    where a.attrelid = t.oid and a.attname in (${columns}) and not a.attisdropped) as column_count,
  ${selectIndexes('n.oid', '$2')} as indexes
from (select $1::text as schema_name) asked
left join pg_catalog.pg_namespace n on n.nspname::text = asked.schema_name
left join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = 'migrations'`,
    values: [schema, JSON.stringify(wanted.flatMap(({ name, spare }) => [name, spare]))],
  }
}

type AppliedRow = readonly [string, number, string, string, string]

async function readApplied(
  reader: Reader,
  { schema, role }: Pick<SchemaState, 'schema' | 'role'>,
): Promise<readonly AppliedMigration[]> {
  const statement = {
    operation: 'reading the migrations table',
    text: `/* rillflow:applied-migrations */
select module, number, name, checksum, (extract(epoch from applied_at) * 1000)::bigint::text as applied_at
from ${ident(schema)}.migrations order by module, number`,
    values: [],
  }
  try {
    const { rows } = await reader.query<AppliedRow>(statement)
    return rows.map(toApplied)
  } catch (error) {
    if (!isRillflowError(error, 'PermissionDenied')) throw error
    throw permissionDenied(`read the migrations of schema ${JSON.stringify(schema)}`, role, error, [
      `grant usage on schema ${ident(schema)} to ${ident(role)}`,
      `grant select on ${ident(schema)}.migrations to ${ident(role)}`,
    ])
  }
}

function toApplied([module, number, name, checksum, appliedAt]: AppliedRow): AppliedMigration {
  return { module, number, name, checksum, appliedAt: new Date(safeInteger(appliedAt, 'applied_at')) }
}

function foreignTable(schema: string): InvalidConfigError {
  return new InvalidConfigError(
    `Schema ${JSON.stringify(schema)} has a table "migrations" that is not Rillflow's: expected the columns ` +
      `${migrationColumns.join(', ')}. Give the store a schema of its own: singleTenant({ schema: 'rillflow' }).`,
  )
}
