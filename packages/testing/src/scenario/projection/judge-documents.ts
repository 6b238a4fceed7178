import { isDeepStrictEqual } from 'node:util'
import {
  describeError,
  describeExpected,
  isErrorClass,
  matchError,
  type ErrorMatch,
  type ExpectedError,
} from '../expected-error.js'
import type { Failure } from '../failure/expectation-failed.js'
import { linesOfValue, listTypes } from '../failure/show-lines.js'
import type { Thrown } from '../run-scenario.js'
import { asJson } from '../values/as-json.js'
import type { Documents } from './projection-shape.js'
import { timeOf, type Folded, type Projected } from './run-projection.js'

/** Causes are looked at so far. */
const maxCauses = 10

/** What is wrong with documents that should be these, or with one that a check should accept. */
export async function judgeDocument(outcome: Projected, key: string, wanted: unknown): Promise<Failure | undefined> {
  const named = `the document ${JSON.stringify(key)}`
  if ('thrown' in outcome) return unexpectedError(outcome, named, wanted)
  const { docs } = outcome
  if (!docs.has(key)) {
    const summary = `expected ${named}, but there is ${listKeys(docs)}`
    return { summary, expected: wanted, actual: undefined, operator: 'deepStrictEqual' }
  }
  if (typeof wanted !== 'function') {
    return differing(`${named} is not the expected one`, wanted, docs.get(key)) ?? judgeAgain(outcome)
  }
  const answer: unknown = await wanted(docs.get(key))
  if (answer !== false) return judgeAgain(outcome)
  return { summary: `the check of ${named} answered false`, expected: true, actual: false, operator: 'deepStrictEqual' }
}

/** What is wrong when there should be no document of a key. */
export function judgeNoDocument(outcome: Projected, key: string): Failure | undefined {
  const named = `no document ${JSON.stringify(key)}`
  if ('thrown' in outcome) return unexpectedError(outcome, named, undefined)
  const { docs } = outcome
  if (!docs.has(key)) return judgeAgain(outcome)
  const actual = asJson(docs.get(key))
  const lines = [[], linesOfValue(actual)] as const
  return {
    summary: `expected ${named}, but there is one`,
    expected: undefined,
    actual,
    operator: 'deepStrictEqual',
    lines,
  }
}

/** What is wrong with documents that should be these and no others. */
export function judgeDocuments(outcome: Projected, wanted: object): Failure | undefined {
  if ('thrown' in outcome) return unexpectedError(outcome, `documents: ${listKeys(wanted)}`, wanted)
  const came = outcome.docs
  const [wantedKeys, cameKeys] = [listKeys(wanted), listKeys(came)]
  const summary =
    wantedKeys === cameKeys
      ? 'the documents are not the expected ones'
      : `expected ${wantedKeys}, but there is ${cameKeys}`
  return differing(summary, wanted, Object.fromEntries(came)) ?? judgeAgain(outcome)
}

/** What is wrong with an outcome that should be an error; its causes count too, since they say what was wrong. */
export async function judgeDocumentsError(outcome: Projected, wanted: ExpectedError): Promise<Failure | undefined> {
  const described = describeExpected(wanted)
  if ('docs' in outcome) {
    const came = `there is ${listKeys(outcome.docs)}`
    return { summary: `expected ${described}, but ${came}`, expected: described, actual: undefined, operator: 'throws' }
  }
  const { matches, expected, actual } = await matchWithCauses(wanted, outcome.thrown)
  if (matches) return undefined
  return { ...thrownInstead(outcome, described), expected, actual, operator: 'throws' }
}

async function matchWithCauses(wanted: ExpectedError, error: unknown): Promise<ErrorMatch> {
  const first = await matchError(wanted, error)
  // A check is asked once, about the error that the append rejects with.
  const isCheck = typeof wanted === 'function' && !isErrorClass(wanted)
  if (first.matches || isCheck) return first
  for (const cause of causesOf(error)) {
    const match = await matchError(wanted, cause)
    if (match.matches) return match
  }
  return first
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = []
  let last = error
  while (last instanceof Error && last.cause !== undefined && causes.length < maxCauses) {
    last = last.cause
    causes.push(last)
  }
  return causes
}

/** What is wrong when the same events, handed over again, led to other documents. */
function judgeAgain({ docs, again }: Folded): Failure | undefined {
  if (again === undefined) return undefined
  const summary = `handed over ${timeOf(again.time)}, the same events led to other documents than before`
  const failure = differing(summary, Object.fromEntries(docs), Object.fromEntries(again.docs))
  // Nothing that JSON shows, as in a live document: it differs all the same.
  return failure ?? { summary, expected: docs, actual: again.docs, operator: 'deepStrictEqual' }
}

function differing(summary: string, wanted: unknown, came: unknown): Failure | undefined {
  const [expected, actual] = [asJson(wanted), asJson(came)]
  if (isDeepStrictEqual(actual, expected)) return undefined
  const lines = [linesOfValue(expected), linesOfValue(actual)] as const
  return { summary, expected, actual, operator: 'deepStrictEqual', lines }
}

/** Nothing is given as the actual value: a diff of documents and an error would say less than the sentence does. */
function unexpectedError(outcome: Thrown, wanted: string, expected: unknown): Failure {
  return { ...thrownInstead(outcome, wanted), expected, actual: undefined, operator: 'deepStrictEqual' }
}

function thrownInstead({ thrown, by }: Thrown, wanted: string): Pick<Failure, 'summary' | 'cause'> {
  const told = [thrown, ...causesOf(thrown)].map(describeError).join('; caused by ')
  return { summary: `expected ${wanted}, but ${by} ${told}`, cause: { error: thrown } }
}

function listKeys(documents: Documents | object): string {
  const keys = documents instanceof Map ? [...documents.keys()].map(String) : Object.keys(documents)
  // Sorted: in which order documents came to be is nobody's business.
  return listTypes(keys.toSorted().map((key) => ({ type: JSON.stringify(key) }))) || 'none'
}
