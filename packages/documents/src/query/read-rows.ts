import { safeInteger } from '@rillflow/core'
import { parseRead } from '../operations/read-document.js'
import type { PreparedCollection } from '../operations/prepared-collection.js'
import { fromMicros } from '../stored-document.js'
import type { CursorPlace } from './cursor.js'
import type { QueryState } from './query-state.js'

/** A row as `compileRows` selects it. */
export type RawRow = readonly (string | null)[]

/** Makes of rows what the query asked for. */
export async function readRows(
  collection: PreparedCollection,
  state: QueryState,
  rows: readonly RawRow[],
): Promise<readonly unknown[]> {
  const read = (row: RawRow): unknown => readRow(state, row)
  if (!collection.validateReads) return rows.map(read)
  return Promise.all(rows.map(async (row) => read(await validated(collection, state, row))))
}

/** With the document replaced by what its schema makes of it; selected fields alone are no document. */
async function validated(collection: PreparedCollection, { fields }: QueryState, row: RawRow): Promise<RawRow> {
  if (fields !== undefined) return row
  return [JSON.stringify(await parseRead(collection, row[0] as string)), ...row.slice(1)]
}

function readRow({ fields, metadata, inclusions }: QueryState, row: RawRow): unknown {
  const width = fields?.length ?? 1
  const doc = fields === undefined ? parse(row[0] as string) : pick(fields, row)
  if (!metadata) return doc
  const [id, version, createdAt, updatedAt, deletedAt] = row.slice(width) as [string, string, string, string, string?]
  const stored = {
    id,
    version: safeInteger(version, 'version'),
    createdAt: fromMicros(createdAt),
    updatedAt: fromMicros(updatedAt),
    deletedAt: deletedAt === null || deletedAt === undefined ? undefined : fromMicros(deletedAt),
    doc,
  }
  if (inclusions.length === 0) return stored
  const others = inclusions.map(({ name }, at) => [name, optional(row[width + 5 + at])] as const)
  return { ...stored, included: Object.fromEntries(others) }
}

/** By definition, so that a field named `__proto__` is a field; those that are absent are left out. */
function pick(fields: readonly string[], row: RawRow): object {
  const present = fields.map((field, at) => [field, row[at]] as const).filter(([, json]) => json !== null)
  return Object.fromEntries(present.map(([field, json]) => [field, parse(json as string)]))
}

function optional(json: string | null | undefined): unknown {
  return json === null || json === undefined ? undefined : parse(json)
}

function parse(json: string): unknown {
  return JSON.parse(json) as unknown
}

/** What a cursor behind this row is made of. */
export function placeOf({ fields, metadata, inclusions, sorts }: QueryState, row: RawRow): CursorPlace {
  const width = fields?.length ?? 1
  const id = row[width] as string
  const before = width + (metadata ? 5 + inclusions.length : 1)
  return { id, keys: sorts.map((_, at) => row[before + at] as string) }
}
