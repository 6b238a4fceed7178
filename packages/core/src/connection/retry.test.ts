import { describe, expect, test } from 'vitest'
import { rejectionOf, thrownBy } from '../../test/support/thrown-by.js'
import { DeadlockError, LockTimeoutError, SerializationFailureError } from '../errors/database-errors.js'
import { checkRetry, withRetry } from './retry.js'

/** Work that throws what it is given, one after the other, and then returns how often it was called. */
function failing(...errors: readonly unknown[]): (attempt: number) => Promise<number> {
  const left = [...errors]
  return async (attempt) => {
    if (left.length > 0) throw left.shift()
    return Promise.resolve(attempt)
  }
}

const race = new SerializationFailureError('x', undefined)

describe('withRetry', () => {
  test('runs again after a serialization failure and after a deadlock', async () => {
    expect(await withRetry(failing(race, new DeadlockError('x', undefined)))).toBe(3)
  })

  test('gives up after the attempts, with the last error', async () => {
    const last = new DeadlockError('last', undefined)

    expect(await rejectionOf(withRetry(failing(race, last, race), { attempts: 2 }))).toBe(last)
    expect(await rejectionOf(withRetry(failing(race), { attempts: 1 }))).toBe(race)
  })

  test.each([new Error('own'), new LockTimeoutError('x', undefined), 'no error', undefined])(
    'does not run again after %s',
    async (error) => {
      let calls = 0
      const work = async (): Promise<never> => {
        calls += 1
        return Promise.reject(error)
      }

      expect(await rejectionOf(withRetry(work))).toBe(error)
      expect(calls).toBe(1)
    },
  )
})

describe('checkRetry', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s attempts', (attempts) => {
    expect(thrownBy(() => checkRetry({ attempts }))).toMatchObject({ code: 'InvalidConfig' })
  })

  test.each([1, 5, undefined])('takes %s attempts', (attempts) => expect(() => checkRetry({ attempts })).not.toThrow())
})
