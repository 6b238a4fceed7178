import { isRillflowError } from './rillflow-error.js'

/**
 * Tells whether the server has undone a statement that carried the work of several callers, perhaps for the sake of one of
 * them: each may be sent again alone. After any other error it may be stored, or would each meet it again.
 */
export function isUndone(error: unknown): boolean {
  return isRillflowError(error) && undone.has(error.code)
}

const undone = new Set([
  'DatabaseError',
  'UniqueViolation',
  'UniqueConflict',
  'SerializationFailure',
  'Deadlock',
  'LockTimeout',
  'QueryCanceled',
  'PermissionDenied',
  'PositionOverflow',
])
