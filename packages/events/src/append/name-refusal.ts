import { DatabaseError, PositionOverflowError, UniqueViolationError } from '@rillflow/core'
import { SequenceBehindError } from '../errors.js'

const taken = new Set(['events_pkey', 'events_stream_no_version_key'])

/** What the tables and the sequence refuse, each for one reason alone; other errors as they are. */
export function nameRefusal(error: unknown, schema: string): unknown {
  // A position that is taken, or a version of a stream whose number belongs to another.
  if (error instanceof UniqueViolationError && taken.has(error.constraint ?? '')) {
    return new SequenceBehindError(schema, error)
  }
  if (!(error instanceof DatabaseError)) return error
  if (error.sqlState === '2200H') return new PositionOverflowError('position')
  const { constraint } = (error.cause ?? {}) as { readonly constraint?: unknown }
  return constraint === 'streams_version_exact' ? new PositionOverflowError('version') : error
}
