import { defineStatement, ident, InvalidConfigError, SchemaMissingError, type Scope } from '@rillflow/core'

/** A column of a table. */
interface Column {
  readonly name: string
  /** Its type as SQL, without a length: a cast to a length would cut a value silently. */
  readonly type: string
}

/** What is known of a table that is projected to. */
export interface TableShape {
  readonly name: string
  readonly key: Column
  /** The columns that can be written, in the order of their names. */
  readonly columns: readonly string[]
  /** Those that the database computes, and that a row is given without. */
  readonly computed: readonly string[]
  /** A row whose columns are all null. */
  readonly nulls: Readonly<Record<string, null>>
}

type ColumnRow = readonly [name: string, type: string, computed: boolean]

const columnsStatement = defineStatement(
  'table_columns',
  () => `select a.attname::text as name, pg_catalog.format_type(a.atttypid, -1) as type,
    a.attgenerated <> '' or a.attidentity = 'a' as computed
  from pg_catalog.pg_attribute a
  where a.attrelid = pg_catalog.to_regclass($1::text) and a.attnum > 0 and not a.attisdropped order by a.attname`,
)

/** The shapes of one projection's tables, in each schema. */
export class TableShapes {
  readonly #projection: string
  readonly #key: string
  readonly #known = new Map<string, TableShape>()

  constructor(projection: string, key: string) {
    this.#projection = projection
    this.#key = key
  }

  /**
   * Looked up once, where the table stays what it is: one that is made for a rebuild may be another the next time.
   *
   * @throws SchemaMissing without the table, InvalidConfig when its key cannot be written.
   */
  async of(scope: Scope, schema: string, { name, stays }: { name: string; stays: boolean }): Promise<TableShape> {
    const address = `${ident(schema)}.${ident(name)}`
    const known = this.#known.get(address)
    if (known !== undefined && stays) return known
    const { rows } = await scope.query<ColumnRow>(columnsStatement('-', [address]))
    const shape = this.#toShape(name, rows)
    if (known !== undefined && isSame(known, shape)) return known
    this.#known.set(address, shape)
    return shape
  }

  #toShape(name: string, rows: readonly ColumnRow[]): TableShape {
    if (rows.length === 0) {
      throw new SchemaMissingError(
        `The projection ${this.#projection} needs the table ${name}, which this schema does not have. Make it by one of ` +
          'its migrations, and run sync(store) of @rillflow/schema.',
        undefined,
      )
    }
    const key = rows.find(([column]) => column === this.#key)
    if (key === undefined || key[2]) {
      throw new InvalidConfigError(
        `The projection ${this.#projection}: the table ${name} has no column ${this.#key} that can be written.`,
      )
    }
    const columns = rows.filter(([, , computed]) => !computed).map(([column]) => column)
    return {
      name,
      key: { name: key[0], type: key[1] },
      columns,
      computed: rows.filter(([, , computed]) => computed).map(([column]) => column),
      nulls: Object.fromEntries(columns.map((column) => [column, null])),
    }
  }
}

/** The same one is kept, since the statements on it are. */
function isSame(one: TableShape, other: TableShape): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
