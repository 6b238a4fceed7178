import { InvalidConfigError } from '@rillflow/core'
import type { EventFamily } from '@rillflow/events'
import { refusedName } from './to-table.js'

type Given = Readonly<Record<string, unknown>>

/** Its name is part of the names that its tables are recorded and its workers known under. */
const maxNameBytes = 200

const modes: readonly unknown[] = ['async', 'inline', 'live']
const lists = ['categories', 'streamIds']

/**
 * Refuses a definition that makes no sense, as a program without types may give one.
 *
 * @throws InvalidConfig
 */
export function checkProjection(name: string, options: object): void {
  const refuse: Refuse = (what) => {
    throw new InvalidConfigError(`defineProjection(${JSON.stringify(name)}): ${what}`)
  }
  const wanted = wantedOfName(name)
  if (wanted !== undefined) refuse(`the name must be ${wanted}.`)
  if (typeof options !== 'object' || options === null) refuse('the options are missing.')
  const given = options as Given
  const { version, mode = 'async', migrations = [] } = given
  if (!isCount(version)) refuse(`version must be a whole number from 1 on, not ${String(version)}.`)
  if (!modes.includes(mode)) refuse("mode must be 'async', 'inline' or 'live'.")
  if (!Array.isArray(migrations)) refuse('migrations must be a list.')
  const types = typesFrom(given, refuse)
  if (given['filter'] !== undefined) checkFilter(given['filter'], refuse)
  const isFold = given['on'] !== undefined || given['to'] !== undefined
  if (isFold === (given['handle'] !== undefined)) {
    refuse('give either `to` and `on`, which fold events into documents, or `tables` and `handle`.')
  }
  if (isFold) checkFold(given, types, refuse)
  else checkHandler(given, types, refuse)
}

type Refuse = (what: string) => never

function typesFrom({ from }: Given, refuse: Refuse): ReadonlySet<string> {
  if (!Array.isArray(from) || from.length === 0) return refuse('from must be a list of families of defineEvents.')
  return new Set(
    (from as readonly (EventFamily | undefined)[]).flatMap((family) => {
      if (typeof family?.schemas !== 'object') return refuse('from holds something that defineEvents has not made.')
      return Object.keys(family.schemas)
    }),
  )
}

function checkFold(given: Given, types: ReadonlySet<string>, refuse: Refuse): void {
  const { on, to, key, mode } = given
  const target = to as { readonly name?: unknown; readonly schema?: Given | undefined } | null | undefined
  const schema = target?.schema?.['~standard'] as { readonly validate?: unknown } | undefined
  if (typeof target?.name !== 'string' || target.name === '' || typeof schema?.validate !== 'function') {
    refuse('to must be a collection of defineCollection, or a table of toTable.')
  }
  if (typeof on !== 'object' || on === null || Object.keys(on).length === 0) {
    refuse('on is empty; give a function for each type of event that matters.')
  }
  for (const [type, handler] of Object.entries(on as Given)) {
    if (!types.has(type)) refuse(`on has a function for ${JSON.stringify(type)}, which none of its families has.`)
    if (typeof handler !== 'function') refuse(`on.${type} must be a function.`)
  }
  if (key !== undefined && typeof key !== 'function') refuse('key must be a function.')
  if (mode === 'live' && key !== undefined) {
    refuse('a live projection reads the stream of its key, so it has no `key` of its own. Leave it out, or use async.')
  }
}

function checkHandler(given: Given, types: ReadonlySet<string>, refuse: Refuse): void {
  const { handle, tables, types: narrowed, key, mode } = given
  if (typeof handle !== 'function') refuse('handle must be a function.')
  if (mode === 'live') refuse('a live projection stores nothing: give `to` and `on`, not `handle`.')
  if (key !== undefined) refuse('`key` belongs to `to` and `on`; a handler takes every event.')
  if (!isList(tables)) refuse('tables must name the tables that it writes.')
  for (const table of tables) {
    const refusal = refusedName(table)
    if (refusal !== undefined) refuse(`tables: ${refusal}`)
  }
  if (new Set(tables).size < tables.length) refuse('tables names one twice.')
  if (narrowed === undefined) return
  if (!isList(narrowed)) refuse('types must be a list of at least one; leave it out for all of its families.')
  for (const type of narrowed as readonly string[])
    if (!types.has(type)) refuse(`types has ${JSON.stringify(type)}, which none of its families has.`)
}

/** A filter that names nothing, or misspells what it names, would match everything. */
function checkFilter(filter: unknown, refuse: Refuse): void {
  if (typeof filter !== 'object' || filter === null) return refuse('filter must be an object.')
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined)
  if (entries.length === 0) refuse('filter names nothing; leave it out.')
  for (const [field, value] of entries) {
    if (lists.includes(field)) {
      if (!isList(value) || !value.every(isText)) refuse(`filter.${field} must be a list of at least one text.`)
    } else if (field !== 'streamPrefix') {
      refuse(`filter has no field ${JSON.stringify(field)}; it has categories, streamIds, streamPrefix.`)
    } else if (!isText(value)) {
      refuse('filter.streamPrefix must be text.')
    }
  }
}

function wantedOfName(name: unknown): string | undefined {
  if (typeof name !== 'string' || name.trim() === '') return 'text, and not empty'
  if (name.includes('\0') || !name.isWellFormed()) return 'valid Unicode without NUL'
  return Buffer.byteLength(name) > maxNameBytes ? `at most ${maxNameBytes} bytes` : undefined
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2_147_483_647
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
