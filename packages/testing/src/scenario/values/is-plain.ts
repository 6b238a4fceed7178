/**
 * Whether a value is an object and no instance of a class, as the store sees it; of any realm, since test runners make
 * their own, each with an `Object.prototype`.
 */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

/** An instance as the end of a sentence about it. */
export function describeInstance(value: object): string {
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name
  return `an instance of ${typeof name === 'string' ? name : 'a class'}`
}
