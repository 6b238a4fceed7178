import { InvalidArgumentError } from '../errors/usage-errors.js'
import { isPlain, type JsonObject } from '../json/encode-json.js'

/** What travels with a unit of work and ends up on its events. */
export interface Context {
  /** Merged with those of the wider context, key by key; the more specific wins. */
  readonly headers?: JsonObject | undefined
  /** The id of the message that caused this work. */
  readonly causationId?: string | undefined
  /** The id shared by everything that one request set off. */
  readonly correlationId?: string | undefined
}

/** Merges contexts, the wider first: headers key by key, everything else by the last one that says it. */
export function mergeContexts(...contexts: readonly (Context | undefined)[]): Context {
  let merged: Context = {}
  for (const context of contexts) {
    if (context !== undefined) merged = merge(merged, context)
  }
  return merged
}

function merge(wider: Context, narrower: Context): Context {
  checkHeaders(narrower.headers)
  return {
    headers: narrower.headers === undefined ? wider.headers : { ...wider.headers, ...narrower.headers },
    causationId: narrower.causationId ?? wider.causationId,
    correlationId: narrower.correlationId ?? wider.correlationId,
  }
}

/** Spread without a check, a string would become one header for each of its letters. */
function checkHeaders(headers: unknown): void {
  if (headers === undefined || (typeof headers === 'object' && headers !== null && isPlain(headers))) return
  throw new InvalidArgumentError('headers', 'headers must be a plain object.')
}
