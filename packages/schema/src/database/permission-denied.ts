import { PermissionDeniedError, type RillflowError } from '@rillflow/core'

/** Says which role may not do what, and what an administrator would run to change that. */
export function permissionDenied(
  what: string,
  role: string,
  error: RillflowError,
  grants: readonly string[],
): PermissionDeniedError {
  return new PermissionDeniedError(
    `The database role ${JSON.stringify(role)} may not ${what}. Let an administrator run: ${grants.join('; ')}.`,
    error.cause,
  )
}
