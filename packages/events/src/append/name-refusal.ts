import { DatabaseError, PositionOverflowError, UniqueViolationError } from '@rillflow/core'
import { SequenceBehindError } from '../errors.js'

/** What the tables and the sequence refuse, each for one reason alone; other errors as they are. */
export function nameRefusal(error: unknown, schema: string): unknown {
  if (error instanceof UniqueViolationError && error.constraint === 'events_pkey')
    return new SequenceBehindError(schema, error)
  if (!(error instanceof DatabaseError)) return error
  if (error.sqlState === '2200H') return new PositionOverflowError('position')
  const { constraint } = (error.cause ?? {}) as { readonly constraint?: unknown }
  return constraint === 'streams_version_exact' ? new PositionOverflowError('version') : error
}
