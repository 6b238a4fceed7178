import { isRillflowError, type RillflowError } from '@rillflow/core'

/** The Rillflow error that a promise must end with; anything else fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<RillflowError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && isRillflowError(outcome.error)) return outcome.error
  throw new Error(`a RillflowError was expected, not ${'error' in outcome ? String(outcome.error) : 'a result'}`, {
    cause: outcome,
  })
}

/** What an error tells of itself, without its words. */
export function fieldsOf({ message: _message, stack: _stack, cause: _cause, ...fields }: RillflowError): object {
  return fields
}
