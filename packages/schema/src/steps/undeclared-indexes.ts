import { ident } from '@rillflow/core'
import type { WantedSchema } from '../components/wanted-schema.js'
import type { SchemaState } from '../database/read-state.js'

/**
 * What to tell people of indexes that were declared once: nothing drops them by itself, because another program on the same
 * tables may declare them still.
 */
export function undeclaredIndexes(wanted: WantedSchema, state: SchemaState): readonly string[] {
  const names = new Set(wanted.modules.flatMap((module) => module.indexes.flatMap(({ name, spare }) => [name, spare])))
  const undeclared = [...state.indexes.values()].filter((index) => !names.has(index.name))
  return undeclared.map(({ name, table }) => {
    const drop = `drop index concurrently ${ident(state.schema)}.${ident(name)};`
    return (
      `The index ${JSON.stringify(name)} on ${JSON.stringify(table)} is declared by no module of this store. ` +
      `If no other program declares it, drop it: ${drop}`
    )
  })
}
