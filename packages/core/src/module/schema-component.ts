/** One numbered step of a package's tables. Released ones never change: their checksum is recorded where they ran. */
export interface Migration {
  /** From 1, without holes. */
  readonly number: number
  readonly name: string
  /** SQL in which `:"schema"` stands for the quoted schema name and `:'schema'` for the name as a string. */
  readonly sql: string
}

/** An index that the user's definitions ask for, beyond what the migrations make. */
export interface DeclaredIndex {
  /** Unique in its schema, at most 63 bytes. */
  readonly name: string
  /**
   * What follows `create [unique] index <name>`, from its table on; `:"schema"` as in a migration:
   * `on :"schema".docs ((doc->>'email'))`. Another definition belongs under another name: under the same one, two releases
   * that run side by side would each replace the index of the other.
   */
  readonly definition: string
  readonly unique: boolean
}

/** What a package asks of the database; `@rillflow/schema` composes the components of a store. */
export interface SchemaComponent {
  /** The name its migrations are recorded under: `events`, `documents`. */
  readonly module: string
  readonly migrations: readonly Migration[]
  readonly indexes?: readonly DeclaredIndex[] | undefined
}
