import { isRillflowError } from '@rillflow/core'

/** What is kept of an error, as JSON: no stack, no fields of its own, and not more than a screenful. */
export interface ErrorRecord {
  readonly name: string
  readonly message: string
  /** A Rillflow code, or the SQLSTATE or `code` of the error. */
  readonly code?: string | undefined
  /** What a projection failed on. */
  readonly cause?: Omit<ErrorRecord, 'cause'> | undefined
}

const longest = 2_000

/**
 * Makes of whatever was thrown what PostgreSQL can hold. The cause is kept of a projection's failure alone, which says
 * nothing without it; those of other errors are the driver's, whose messages may hold values.
 */
export function errorRecord(error: unknown): ErrorRecord {
  if (!isRillflowError(error, 'ProjectionFailed') || error.cause === undefined) return recordOf(error)
  return { ...recordOf(error), cause: recordOf(error.cause) }
}

function recordOf(error: unknown): Omit<ErrorRecord, 'cause'> {
  const thrown: unknown = error ?? undefined
  const { name, message, code } = (typeof thrown === 'object' ? thrown : {}) as Readonly<Record<string, unknown>>
  const known = isRillflowError(error) ? error.code : code
  return {
    name: storable(typeof name === 'string' ? name : typeof error),
    message: storable(typeof message === 'string' ? message : textOf(error)),
    ...(typeof known === 'string' ? { code: storable(known) } : {}),
  }
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'something that has no text'
  }
}

/** Cut before a pair is split, and made valid after it. */
function storable(text: string): string {
  return text.slice(0, longest).replaceAll('\0', '\uFFFD').toWellFormed()
}
