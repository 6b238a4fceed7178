import { AssertionError } from 'node:assert'
import { expect } from 'vitest'
import { ScenarioError } from '../../src/index.js'

export async function expectToHold(expectation: Promise<void>): Promise<void> {
  await expect(expectation).resolves.toBeUndefined()
}

/** The expectation does not hold, and its message says this. */
export async function expectFailure(expectation: Promise<void>, message: RegExp | string): Promise<void> {
  const error = await rejectionOf(expectation)
  expect(error).toBeInstanceOf(AssertionError)
  expect(error.message).toMatch(message)
}

/** The scenario itself is wrong, and the message says so. */
export async function expectMistake(expectation: Promise<void>, message: RegExp | string): Promise<void> {
  const error = await rejectionOf(expectation)
  expect(error).toBeInstanceOf(ScenarioError)
  expect(error.message).toMatch(message)
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('It was to be rejected with an error.')
  return error
}
