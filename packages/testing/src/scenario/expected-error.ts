import { inspect, isDeepStrictEqual } from 'node:util'
import { ScenarioError } from './scenario-error.js'

/**
 * Which error is expected: a class, a `code`, a pattern of the message, some of its properties, an error like it, or a check
 * that throws (or answers `false`) for another one.
 *
 * A property that is a pattern is matched against the error's text there.
 */
export type ExpectedError =
  | (abstract new (...parameters: never[]) => Error)
  | string
  | RegExp
  | ((error: unknown) => unknown)
  | Error
  | Readonly<Record<string, unknown>>

/** Whether an error is the expected one: what is expected as a value for a diff, and what the error has there. */
export interface ErrorMatch {
  readonly matches: boolean
  readonly expected: unknown
  readonly actual: unknown
}

/** Holds an error against what is expected; a check's own error passes through. */
export async function matchError(expected: ExpectedError, error: unknown): Promise<ErrorMatch> {
  if (typeof expected === 'string') {
    const actual = propertyOf(error, 'code')
    return { matches: actual === expected, expected, actual }
  }
  if (expected instanceof RegExp) {
    const actual = propertyOf(error, 'message') ?? error
    return { matches: fits(actual, expected), expected, actual }
  }
  if (isErrorClass(expected)) {
    return { matches: error instanceof expected, expected: expected.name, actual: classOf(error) }
  }
  if (typeof expected === 'function') {
    const answer = await expected(error)
    return { matches: answer !== false, expected: true, actual: answer }
  }
  const properties = propertiesOf(expected)
  const actual = Object.fromEntries(Object.keys(properties).map((key) => [key, propertyOf(error, key)]))
  const matches = Object.entries(properties).every(([key, value]) => fits(actual[key], value))
  return { matches, expected: properties, actual }
}

/** @throws {@link ScenarioError} for what every error would fit, or none. */
export function describeExpected(expected: ExpectedError): string {
  if (typeof expected === 'string') return `an error with the code ${expected}`
  if (expected instanceof RegExp) return `an error whose message fits ${expected}`
  if (isErrorClass(expected)) return `an instance of ${expected.name}`
  if (typeof expected === 'function') return 'an error that the check accepts'
  if (typeof expected !== 'object' || expected === null || Object.keys(propertiesOf(expected)).length === 0) {
    throw new ScenarioError('thenError() needs to know the error: a class, a code, a RegExp, properties or a check.')
  }
  return `an error with ${inspect(propertiesOf(expected), { breakLength: Infinity })}`
}

/** An error as one line: its name, its code, and its message. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `${inspect(error, { depth: 1, breakLength: Infinity })}, which is no Error`
  const code = propertyOf(error, 'code')
  return `${error.name}${typeof code === 'string' ? ` (${code})` : ''}: ${error.message}`
}

/** Tells a class from a check. */
export function isErrorClass(expected: unknown): expected is abstract new (...parameters: never[]) => Error {
  return typeof expected === 'function' && (expected === Error || expected.prototype instanceof Error)
}

/** An error has its name and message where a list of its properties does not show them. */
function propertiesOf(expected: object): Readonly<Record<string, unknown>> {
  const own = Object.entries(expected)
  const hidden = expected instanceof Error ? Object.entries({ name: expected.name, message: expected.message }) : []
  return Object.fromEntries([...hidden, ...own])
}

function propertyOf(error: unknown, key: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>)[key] : undefined
}

function classOf(error: unknown): unknown {
  return error instanceof Error ? error.constructor.name : error
}

function fits(actual: unknown, expected: unknown): boolean {
  if (!(expected instanceof RegExp)) return isDeepStrictEqual(actual, expected)
  // Unlike test(), search() does not go on where it ended with a global pattern.
  return typeof actual === 'string' && actual.search(expected) !== -1
}
