const paramKey = Symbol.for('rillflow.param')

/** A value that a compiled query is given at each run. */
export interface Param<Value = unknown> {
  readonly [paramKey]: string
  /** For the compiler alone; never there. */
  readonly type?: Value
}

/** A value, or the place of one. */
export type Operand<Value> = Value | Param<Value>

/** Makes the place of a value. */
export function param(name: string): Param {
  return { [paramKey]: name }
}

/** Tells whether `value` is the place of a value; JSON never is, since it has no symbols. */
export function isParam(value: unknown): value is Param {
  return typeof value === 'object' && value !== null && paramKey in value
}

/** The name that the value is given under. */
export function nameOf(given: Param): string {
  return given[paramKey]
}
