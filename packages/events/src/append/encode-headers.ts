import { checkStorable, encodeJson, InvalidArgumentError, type JsonObject } from '@rillflow/core'

/**
 * Writes headers as JSON; null where there are none.
 *
 * @throws InvalidArgument for what is no object.
 * @throws UnstorableValue
 */
export function encodeHeaders(headers: JsonObject | undefined): string | null {
  if (headers === undefined) return null
  checkHeaders(headers)
  return encodeJson(headers)
}

/** Merges headers key by key; the narrower ones win. */
export function mergeHeaders(wider: JsonObject | undefined, narrower: JsonObject | undefined): JsonObject | undefined {
  if (narrower === undefined) return wider
  checkHeaders(narrower)
  if (wider === undefined) return narrower
  // Spreading would make an empty object of an instance, and of a function.
  checkStorable(narrower)
  return { ...wider, ...narrower }
}

function checkHeaders(headers: JsonObject): void {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new InvalidArgumentError('headers', 'headers must be an object.')
  }
}
