import { formatPath, type Path } from '../values/format-path.js'
import { describeInstance, isPlain } from '../values/is-plain.js'
import { RefusedError } from './refused-error.js'

/** Deeper values are refused, as by the store; a cycle ends here too. */
const maxDepth = 500

/**
 * Throws unless the store would take `value`, which `what` is: what JSON would change on the way, the store refuses.
 *
 * The rules are those of `encodeJson` of `@rillflow/core`, on which this package cannot build: it stands on this one. A test of
 * `@rillflow/aggregates` holds the two against each other.
 *
 * @throws {@link RefusedError} with the path.
 */
export function checkStorable(what: string, value: unknown): void {
  const [path, found] = findUnstorable(value, []) ?? []
  if (path === undefined) return
  throw new RefusedError('UnstorableValue', `${what}: ${formatPath(path)} is ${found}.`, { path })
}

/** Where it is, and what, with what to do about it. */
type Unstorable = readonly [path: Path, found: string]

function findUnstorable(value: unknown, path: Path): Unstorable | undefined {
  switch (typeof value) {
    case 'string':
      return findInText(value, path)
    case 'number':
      return Number.isFinite(value) ? undefined : [path, `${value}: JSON has no such number; store null or a string`]
    case 'boolean':
      return undefined
    case 'object':
      return value === null ? undefined : findInObject(value, path)
    case 'undefined':
      return [path, 'undefined: leave the property out, or store null']
    case 'bigint':
      return [path, 'a bigint: store a string, or a number when it is a safe integer']
    case 'function':
    case 'symbol':
      return [path, `a ${typeof value}: only data can be stored`]
  }
}

function findInObject(value: object, path: Path): Unstorable | undefined {
  if (path.length >= maxDepth) {
    return [path, `nested deeper than ${maxDepth} levels: flatten it; a cycle ends here too`]
  }
  if (!Array.isArray(value) && !isPlain(value)) return [path, refusedInstance(value)]
  // Not among the entries when it is not enumerable or sits on an array; JSON.stringify calls it all the same.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return [[...path, 'toJSON'], 'a function: only data can be stored; store what it returns']
  }
  // Array.from sees holes too.
  if (Array.isArray(value))
    return findInEntries(
      Array.from(value, (item: unknown, index) => [index, item]),
      path,
    )
  if (Object.getOwnPropertySymbols(value).length > 0) return [path, 'an object with symbol keys: use string keys']
  return findInEntries(Object.entries(value), path)
}

function findInEntries(entries: readonly (readonly [string | number, unknown])[], path: Path): Unstorable | undefined {
  for (const [key, item] of entries) {
    const at = [...path, key]
    const found = (typeof key === 'string' ? findInText(key, at) : undefined) ?? findUnstorable(item, at)
    if (found !== undefined) return found
  }
  return undefined
}

function findInText(text: string, path: Path): Unstorable | undefined {
  if (text.includes('\0')) return [path, 'text with a NUL character: PostgreSQL cannot store it']
  if (text.isWellFormed()) return undefined
  return [path, 'text with a lone surrogate: it is not valid Unicode; use toWellFormed()']
}

function refusedInstance(value: object): string {
  if (value instanceof Date) return 'a Date: store toISOString() or getTime(), and say so in the schema'
  return `${describeInstance(value)}: store a plain object`
}
