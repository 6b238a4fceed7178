import { describe, expect, test } from 'vitest'
import { DeadlockError } from './database-errors.js'
import { isRillflowError, RillflowError } from './rillflow-error.js'
import { VersionConflictError } from './version-conflict-error.js'

describe('isRillflowError', () => {
  test('knows its own by the brand and the code', () => {
    const error = new DeadlockError('put was ended', undefined)

    expect(isRillflowError(error)).toBe(true)
    expect(isRillflowError(error, 'Deadlock')).toBe(true)
    expect(isRillflowError(error, 'VersionConflict')).toBe(false)
  })

  test('knows an error of another copy of the package', () => {
    const foreign = Object.assign(new Error('x'), { code: 'Deadlock', [Symbol.for('rillflow.error')]: true })

    expect(isRillflowError(foreign, 'Deadlock')).toBe(true)
  })

  test.each([undefined, null, 'Deadlock', { code: 'Deadlock' }, Object.assign(new Error('x'), { code: 'Deadlock' })])(
    'does not take %j for one',
    (value) => expect(isRillflowError(value)).toBe(false),
  )
})

test('an error has the name of its class, and a cause only where there is one', () => {
  expect(new DeadlockError('x', undefined).name).toBe('DeadlockError')
  expect('cause' in new RillflowError('x', { code: 'Other' })).toBe(false)
  expect(new RillflowError('x', { code: 'Other', cause: 'why' }).cause).toBe('why')
})

describe('VersionConflictError', () => {
  test.each([
    ['noStream' as const, 3, 'expected that it does not exist, actual version 3'],
    [0, 3, 'expected that it does not exist, actual version 3'],
    ['streamExists' as const, 0, 'expected that it exists, actual it does not exist'],
    [2, 5, 'expected version 2, actual version 5'],
  ])('expected %s, actual %s', (expected, actual, words) => {
    const error = new VersionConflictError({ subject: 'stream', id: 'order-1', expected, actual })

    expect(error).toMatchObject({ code: 'VersionConflict', retryable: false, subject: 'stream', expected, actual })
    expect(error.message).toContain(`stream "order-1": ${words}`)
  })

  test('names the collection of a document, and cuts an endless id', () => {
    const error = new VersionConflictError({
      subject: 'document',
      collection: 'customers',
      id: 'x'.repeat(1_000),
      expected: 1,
      actual: 2,
    })

    expect(error.message).toContain('of "customers"')
    expect(error.message).not.toContain('x'.repeat(201))
  })
})
