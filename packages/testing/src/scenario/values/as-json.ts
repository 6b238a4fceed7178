import { formatPath, type Path } from './format-path.js'
import { describeInstance, isPlain } from './is-plain.js'

/** Deeper values are refused; a cycle ends here too. */
const maxDepth = 500

/** A value has a part of which JSON would hold nothing, so that two of them would always be alike. */
export class NotJsonError extends Error {
  override readonly name = 'NotJsonError'
}

/**
 * A copy of a value as JSON gives it back: dates as text, properties that are `undefined` left out, `toJSON` asked.
 *
 * What JSON would change without a word is refused: numbers that are none, bigints, and instances such as a `Map`, of
 * which it holds no property.
 *
 * @throws {@link NotJsonError} that names the path.
 */
export function asJson(value: unknown): unknown {
  return copy(value, [])
}

function copy(value: unknown, path: Path): unknown {
  switch (typeof value) {
    case 'number':
      return copyNumber(value, path)
    case 'bigint':
      return refuse(path, 'a bigint')
    case 'object':
      return value === null ? null : copyObject(value, path)
    case 'function':
    case 'symbol':
      return undefined
    default:
      return value
  }
}

function copyNumber(value: number, path: Path): number {
  if (!Number.isFinite(value)) refuse(path, String(value))
  return Object.is(value, -0) ? 0 : value
}

function copyObject(value: object, path: Path): unknown {
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON !== 'function') return copyHeld(value, path)
  const replaced: unknown = toJSON.call(value, String(path.at(-1) ?? ''))
  // JSON asks once, whatever the answer could be asked further.
  return typeof replaced === 'object' && replaced !== null ? copyHeld(replaced, path) : copy(replaced, path)
}

function copyHeld(value: object, path: Path): unknown {
  if (path.length > maxDepth) refuse(path, `nested deeper than ${maxDepth} levels`)
  if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, [...path, index]) ?? null)
  const entries = Object.entries(value)
  if (entries.length === 0 && !isPlain(value)) refuse(path, describeInstance(value))
  const copied = entries.map(([key, item]) => [key, copy(item, [...path, key])] as const)
  return Object.fromEntries(copied.filter(([, item]) => item !== undefined))
}

function refuse(path: Path, what: string): never {
  throw new NotJsonError(`${formatPath(path)} is ${what}, which JSON cannot hold`)
}
