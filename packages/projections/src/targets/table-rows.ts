import type { Statement, TransactionScope } from '@rillflow/core'
import { allSent } from '../apply/all-sent.js'
import type { Changes } from '../fold/fold-events.js'
import { textArray } from '../text-array.js'
import type { RowStatements } from './row-statements.js'
import type { TableShape } from './table-shape.js'

/** Larger statements become slower for each row that they carry. */
const maxRows = 1_000
const maxSize = 8 * 1024 * 1024

interface Place extends RowStatements {
  readonly scope: TransactionScope
  readonly schema: string
  readonly shape: TableShape
}

/** The rows that are there, by key. */
export async function loadRows(
  { scope, schema, shape, load, hold }: Place,
  keys: readonly string[],
  held: boolean,
): Promise<ReadonlyMap<string, unknown>> {
  const statement = held ? hold : load
  const parts = cut(keys, () => 0)
  const answers = await allSent(
    parts.map((part) => scope.query<readonly [place: number, row: string]>(statement(schema, [JSON.stringify(part)]))),
  )
  return new Map(
    answers.flatMap(({ rows }, part) =>
      rows.map(([place, row]) => [(parts[part] as readonly string[])[place - 1] as string, toRow(shape, row)]),
    ),
  )
}

function toRow({ computed }: TableShape, json: string): unknown {
  const row = JSON.parse(json) as Record<string, unknown>
  for (const column of computed) delete row[column]
  return row
}

/** Writes rows in statements of bounded size, sent at once where that is possible. */
export async function writeRows({ scope, schema, put, remove }: Place, { puts, deletes }: Changes): Promise<void> {
  const statements: readonly Statement[] = [
    // Removed first: a unique value that one of them had may be that of another now.
    ...cut(deletes, () => 0).map((keys) => remove(schema, [textArray(keys)])),
    ...cut(puts, ({ json }) => json.length).map((part) => put(schema, [`[${part.map(({ json }) => json).join(',')}]`])),
  ]
  await allSent(statements.map((statement) => scope.query(statement)))
}

function cut<Item>(items: readonly Item[], sizeOf: (item: Item) => number): readonly (readonly Item[])[] {
  const parts: Item[][] = []
  let size = 0
  for (const item of items) {
    size += sizeOf(item)
    const part = parts.at(-1)
    if (part === undefined || part.length >= maxRows || size > maxSize) {
      parts.push([item])
      size = sizeOf(item)
    } else {
      part.push(item)
    }
  }
  return parts
}
