import { isRillflowError } from '@rillflow/core'

/**
 * Tells whether the server has undone a statement, perhaps for the sake of one of its items. After any other error its
 * items may be stored, or would each meet it again: none of them is sent once more.
 */
export function isUndone(error: unknown): boolean {
  return isRillflowError(error) && undone.has(error.code)
}

const undone = new Set([
  'DatabaseError',
  'UniqueConflict',
  'UniqueViolation',
  'SerializationFailure',
  'Deadlock',
  'LockTimeout',
  'QueryCanceled',
  'PermissionDenied',
])
