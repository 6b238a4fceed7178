const brand = Symbol.for('rillflow.error')

/** What every Rillflow error carries besides its message. */
export interface RillflowErrorOptions<Code extends string> {
  readonly code: Code
  /** True when the same call may succeed if it is simply made again. */
  readonly retryable?: boolean | undefined
  /** The driver's error, where there is one. */
  readonly cause?: unknown
}

/**
 * The base of every error that Rillflow throws.
 *
 * Recognise one by its `code` through {@link isRillflowError}, never by `instanceof`: two copies of a package in one
 * program have two classes. Messages name what, where, expected, actual and what to do; they never hold payloads,
 * parameters or passwords.
 */
export class RillflowError<Code extends string = string> extends Error {
  readonly code: Code
  readonly retryable: boolean
  readonly [brand] = true

  constructor(message: string, options: RillflowErrorOptions<Code>) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = options.code
    this.retryable = options.retryable ?? false
  }
}

/**
 * Tells whether `error` is a Rillflow error, and of that code when one is given.
 *
 * @example
 * ```ts
 * import { isRillflowError } from '@rillflow/core'
 *
 * const isConflict = (error: unknown): boolean => isRillflowError(error, 'VersionConflict')
 * ```
 */
export function isRillflowError<Code extends string>(error: unknown, code?: Code): error is RillflowError<Code> {
  if (typeof error !== 'object' || error === null) return false
  const candidate = error as { readonly [brand]?: unknown; readonly code?: unknown }
  return candidate[brand] === true && (code === undefined || candidate.code === code)
}
