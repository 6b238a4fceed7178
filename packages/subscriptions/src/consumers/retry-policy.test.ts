import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pauseAfter, resolveRetry } from './retry-policy.js'

test('what is not told', () => {
  expect(resolveRetry()).toEqual({ attempts: 5, delay: 200, maxDelay: 30_000 })
  expect(resolveRetry({ attempts: 2, delay: undefined })).toEqual({ attempts: 2, delay: 200, maxDelay: 30_000 })
})

test('each pause is twice the one before, less a fifth at the most, and never beyond the longest', () => {
  fc.assert(
    fc.property(
      fc.nat(3_600_000),
      fc.nat(86_400_000),
      fc.integer({ min: 1, max: 10_000 }),
      (delay, maxDelay, attempts) => {
        const pause = pauseAfter({ attempts: 1, delay, maxDelay }, attempts)
        const whole = Math.min(maxDelay, delay * 2 ** (attempts - 1))
        expect(Number.isSafeInteger(pause)).toBe(true)
        expect(pause).toBeLessThanOrEqual(maxDelay)
        if (Number.isFinite(whole) && attempts <= 31) {
          expect(pause).toBeGreaterThanOrEqual(Math.floor(whole * 0.8))
          expect(pause).toBeLessThanOrEqual(Math.ceil(whole))
        }
      },
    ),
  )
})
