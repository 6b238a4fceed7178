import { ident, InvalidConfigError, type StandardSchemaV1 } from '@rillflow/core'
import { shadowTable } from '../targets/shadow-table.js'
import type { ProjectionTarget } from './projection.js'

/** A table that a projection keeps a row in for each key, made by {@link toTable}. */
export interface TableTarget<Schema extends StandardSchemaV1 = StandardSchemaV1> extends ProjectionTarget<Schema> {
  readonly kind: 'table'
  /** The column of the key. */
  readonly key: string
}

/** What the rows of a table are. */
export interface TableOptions<Schema extends StandardSchemaV1> {
  /** The column that holds the key; a unique index on it alone must be there. */
  readonly key: keyof StandardSchemaV1.InferOutput<Schema> & string
  /**
   * A row by its columns, as JSON has their values: any Standard Schema. Each row has all columns when it is read: those
   * that were left out are null.
   */
  readonly schema: Schema
}

/**
 * Names a table in the store's schema as the target of a projection: a row for each key, whose columns are the properties
 * of the document.
 *
 * @throws InvalidConfig for names that cannot be those of a table or a column.
 *
 * @example
 * ```ts
 * import { toTable } from '@rillflow/projections'
 * import { z } from 'zod'
 *
 * const Totals = toTable('order_totals', {
 *   key: 'order_id',
 *   schema: z.object({ order_id: z.string(), total: z.number() }),
 * })
 * ```
 */
export function toTable<Schema extends StandardSchemaV1<unknown, object>>(
  name: string,
  { key, schema }: TableOptions<Schema>,
): TableTarget<Schema> {
  const refusal = refusedName(name)
  if (refusal !== undefined) throw new InvalidConfigError(`toTable(${JSON.stringify(name)}): ${refusal}`)
  try {
    ident(key)
  } catch (error) {
    throw new InvalidConfigError(`toTable(${JSON.stringify(name)}): the key is no column. ${(error as Error).message}`)
  }
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidConfigError(
      `toTable(${JSON.stringify(name)}): the schema of a row is missing; give a Standard Schema.`,
    )
  }
  return { kind: 'table', name, key, schema }
}

/** Why a name cannot be that of a table that is projected to; undefined when it can. */
export function refusedName(name: unknown): string | undefined {
  try {
    ident(name as string)
    // Beside each table there must be room for the one that a rebuild makes.
    ident(shadowTable(name as string))
    return undefined
  } catch (error) {
    return `the name of a table does not fit, with what a rebuild adds to it. ${(error as Error).message}`
  }
}
