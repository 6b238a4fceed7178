import { AssertionError } from 'node:assert'
import { placedAt, type CallSite } from '../call-site.js'
import { lineDiff } from './line-diff.js'
import type { Story } from './story.js'

/** What did not come out as expected. */
export interface Failure {
  /** A sentence without the scenario's name and a full stop. */
  readonly summary: string
  readonly expected: unknown
  readonly actual: unknown
  readonly operator: 'deepStrictEqual' | 'throws'
  /** The two sides of a comparison as text. */
  readonly lines?: readonly [expected: readonly string[], actual: readonly string[]] | undefined
  readonly cause?: { readonly error: unknown } | undefined
}

/** A failed expectation as each test runner understands it, with a message that says all without one. */
export function expectationFailed({ name, given, when }: Story, failure: Failure, site: CallSite): AssertionError {
  const { summary, expected, actual, operator, lines, cause } = failure
  const story = [`${name}: ${summary}`, '', `  given ${given}`]
  if (when !== undefined) story.push(`  when ${when}`)
  if (lines !== undefined) story.push('', '- expected', '+ actual', '', ...lineDiff(...lines))
  const error = new AssertionError({ message: story.join('\n'), expected, actual })
  // Not as an option: Node would then add a difference of its own to the message.
  error.operator = operator
  // As the language defines it when it is an option, which AssertionError does not take.
  if (cause !== undefined)
    Object.defineProperty(error, 'cause', { value: cause.error, configurable: true, writable: true })
  return placedAt(site, error)
}
