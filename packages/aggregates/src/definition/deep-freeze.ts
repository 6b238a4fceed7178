/**
 * Freezes plain objects and arrays, however deep. What is frozen already counts as frozen below: a state that shares most
 * of its parts with the one before costs only what is new.
 */
export function deepFreeze<Value>(value: Value): Value {
  if (!isFreezable(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}

function isFreezable(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
