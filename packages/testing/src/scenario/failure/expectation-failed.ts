import { AssertionError } from 'node:assert'
import type { Action, WrittenScenario } from '../run-scenario.js'
import { placedAt, type CallSite } from '../call-site.js'
import { lineDiff } from './line-diff.js'
import { listTypes } from './show-lines.js'

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
export function expectationFailed(scenario: WrittenScenario, failure: Failure, site: CallSite): AssertionError {
  const { summary, expected, actual, operator, lines, cause } = failure
  const story = [`${scenario.aggregate.name}: ${summary}`, '', `  given ${describeGiven(scenario)}`]
  story.push(`  when ${describeAction(scenario.action)}`)
  if (lines !== undefined) story.push('', '- expected', '+ actual', '', ...lineDiff(...lines))
  const error = new AssertionError({ message: story.join('\n'), expected, actual })
  // Not as an option: Node would then add a difference of its own to the message.
  error.operator = operator
  // As the language defines it when it is an option, which AssertionError does not take.
  if (cause !== undefined)
    Object.defineProperty(error, 'cause', { value: cause.error, configurable: true, writable: true })
  return placedAt(site, error)
}

function describeGiven({ id, given }: WrittenScenario): string {
  if (given.length === 0) return `nothing of ${JSON.stringify(id)}`
  return `${JSON.stringify(id)} at version ${given.length}, after ${listTypes(given)}`
}

function describeAction(action: Action): string {
  if (typeof action !== 'function') return `${listTypes(action) || 'nothing'} happened`
  // A command that was made by another has no name; its code tells it from its neighbours.
  const text = action.name || String(action).replaceAll(/\s+/g, ' ')
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}
