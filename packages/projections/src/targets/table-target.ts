import { InvalidArgumentError, validate } from '@rillflow/core'
import type { TableTarget } from '../definition/to-table.js'
import { isPromise } from '../is-promise.js'
import type { FoldTarget } from './fold-target.js'
import { shadowTable } from './shadow-table.js'
import { TableShapes, type TableShape } from './table-shape.js'
import { rowStatements } from './row-statements.js'
import { loadRows, writeRows } from './table-rows.js'

/** A table in the store's schema, with a row for each key. */
export function tableTarget(projection: string, target: TableTarget): FoldTarget {
  const shapes = new TableShapes(projection, target.key)
  const statements = rowStatements()
  return {
    open: async (scope, { shadow }) => {
      const { schema } = await scope.target()
      const name = shadow ? shadowTable(target.name) : target.name
      const shape = await shapes.of(scope, schema, { name, stays: !shadow })
      const at = { scope, schema, shape, ...statements(shape) }
      return {
        load: (keys, hold) => loadRows(at, keys, hold),
        settle: (key, row) => {
          const made = validate(target.schema, row, `The row ${JSON.stringify(key)} of ${target.name}`)
          return isPromise(made) ? made.then((valid) => whole(shape, key, valid)) : whole(shape, key, made)
        },
        write: (changes) => writeRows(at, changes),
      }
    },
  }
}

/**
 * The row with all its columns: those that it leaves out are null, as they are when it is read back. A property that is no
 * column would be left out silently.
 */
function whole(shape: TableShape, key: string, row: unknown): object {
  const given = row as Readonly<Record<string, unknown>>
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(shape.nulls, name))
      throw new InvalidArgumentError(name, `${JSON.stringify(name.slice(0, 63))} is no column of ${shape.name}.`)
  }
  if (String(given[shape.key.name]) !== key)
    throw new InvalidArgumentError(shape.key.name, `The column ${shape.key.name} must hold the key of the row.`)
  return { ...shape.nulls, ...given }
}
