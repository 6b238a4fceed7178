import { isPlain } from './is-plain.js'

/**
 * Freezes plain objects and arrays, however deep, so that a command or a fold that changes one fails where it does so.
 *
 * Instances are left alone, as the store leaves them: they may keep something in themselves that nobody sees.
 */
export function deepFreeze<Value>(value: Value): Value {
  freeze(value, new Set())
  return value
}

function freeze(value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  if (!Array.isArray(value) && !isPlain(value)) return
  seen.add(value)
  Object.freeze(value)
  for (const item of Object.values(value)) freeze(item, seen)
}
