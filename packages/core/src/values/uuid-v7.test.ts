import { afterEach, describe, expect, test, vi } from 'vitest'
import { uuidV7 } from './uuid-v7.js'

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

afterEach(() => vi.restoreAllMocks())

/** Falls back to one expectation: two hundred thousand of them would take longer than the ids. */
function expectRising(ids: readonly string[]): void {
  expect(ids.findIndex((id, index) => index > 0 && id <= (ids[index - 1] as string))).toBe(-1)
}

describe('uuidV7', () => {
  test('is a UUID of version 7 that holds the time', () => {
    const before = Date.now()
    const id = uuidV7()

    expect(id).toMatch(shape)
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBeGreaterThanOrEqual(before)
  })

  test('200,000 of them are valid, rising and different, within single milliseconds and beyond', () => {
    const ids = Array.from({ length: 200_000 }, uuidV7)

    expect(ids.every((id) => shape.test(id))).toBe(true)
    expectRising(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('stays rising across a clock that steps back an hour', () => {
    const first = uuidV7()
    const now = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(now - 3_600_000)

    expectRising([first, ...Array.from({ length: 10_000 }, uuidV7)])
  })

  test('the random parts differ within one millisecond', () => {
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000)
    const tails = Array.from({ length: 4_000 }, () => uuidV7().slice(19))

    expect(new Set(tails).size).toBe(tails.length)
  })
})
