import { placedAt, type CallSite } from './call-site.js'
import { ScenarioError } from './scenario-error.js'

/** The linter refuses every `then` that it can read, for the harm that {@link withoutExpectation} undoes. */
export const awaited = 'then'

/**
 * Answers `await` and the other machinery of promises, which take whatever has a `then` for a promise and call it with two
 * functions: without an answer they would wait for ever, and with a good one a test without an expectation would pass.
 */
export function withoutExpectation(reject: unknown, site: CallSite, message: string): Promise<void> | undefined {
  const error = placedAt(site, new ScenarioError(message))
  if (typeof reject !== 'function') return Promise.reject(error)
  reject(error)
  return undefined
}
