import { isDeepStrictEqual } from 'node:util'
import { describeError, describeExpected, matchError, type ExpectedError } from './expected-error.js'
import { actualEvent, expectedEvent } from './failure/compared-event.js'
import type { Failure } from './failure/expectation-failed.js'
import { linesOfEvents, linesOfValue, listTypes } from './failure/show-lines.js'
import type { Outcome, Thrown } from './run-scenario.js'
import type { StoredEvent } from './store/stored-event.js'
import { asJson } from './values/as-json.js'

/** What is wrong with an outcome that should be these events, or nothing. */
export function judgeEvents(outcome: Outcome, wanted: readonly StoredEvent[]): Failure | undefined {
  const expected = wanted.map(expectedEvent)
  const wantedTypes = wanted.length === 0 ? 'no event' : listTypes(wanted)
  if ('thrown' in outcome) return unexpectedError(outcome, wantedTypes, expected)
  const actual = outcome.events.map((event, index) => actualEvent(event, wanted[index]))
  if (isDeepStrictEqual(actual, expected)) return undefined
  const cameTypes = actual.length === 0 ? 'no event' : listTypes(actual)
  return {
    summary:
      cameTypes === wantedTypes
        ? `${wantedTypes} came as expected, but not with what was expected in it`
        : `expected ${wantedTypes}, but ${cameTypes} came`,
    expected,
    actual,
    operator: 'deepStrictEqual',
    lines: [linesOfEvents(expected), linesOfEvents(actual)],
  }
}

/** What is wrong with an outcome whose state should be this one, or one that a check accepts. */
export async function judgeState(outcome: Outcome, wanted: unknown): Promise<Failure | undefined> {
  if ('thrown' in outcome) return unexpectedError(outcome, 'a state', wanted)
  if (typeof wanted === 'function') {
    const answer: unknown = await wanted(outcome.state)
    const summary = 'the check of the state answered false'
    return answer === false ? { summary, expected: true, actual: false, operator: 'deepStrictEqual' } : undefined
  }
  const [expected, actual] = [asJson(wanted), asJson(outcome.state)]
  if (isDeepStrictEqual(actual, expected)) return undefined
  const summary = 'the state is not the expected one'
  const lines = [linesOfValue(expected), linesOfValue(actual)] as const
  return { summary, expected, actual, operator: 'deepStrictEqual', lines }
}

/** What is wrong with an outcome that should be an error. */
export async function judgeError(outcome: Outcome, wanted: ExpectedError): Promise<Failure | undefined> {
  const described = describeExpected(wanted)
  if ('events' in outcome) {
    const came = outcome.events.length === 0 ? 'nothing happened' : `${listTypes(outcome.events)} came`
    return { summary: `expected ${described}, but ${came}`, expected: described, actual: undefined, operator: 'throws' }
  }
  const { matches, expected, actual } = await matchError(wanted, outcome.thrown)
  if (matches) return undefined
  return { ...thrownInstead(outcome, described), expected, actual, operator: 'throws' }
}

/** Nothing is given as the actual value: a diff of events and an error would say less than the sentence does. */
function unexpectedError(outcome: Thrown, wanted: string, expected: unknown): Failure {
  return { ...thrownInstead(outcome, wanted), expected, actual: undefined, operator: 'deepStrictEqual' }
}

function thrownInstead({ thrown, by }: Thrown, wanted: string): Pick<Failure, 'summary' | 'cause'> {
  return { summary: `expected ${wanted}, but ${by} ${describeError(thrown)}`, cause: { error: thrown } }
}
