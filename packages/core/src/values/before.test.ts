import { describe, expect, test } from 'vitest'
import { before } from './before.js'

describe('before', () => {
  const later = (): number => performance.now() + 60_000

  test('gives what comes in time', async () => {
    expect(await before(later(), Promise.resolve(7))).toBe(7)
  })

  test('throws what fails in time', async () => {
    await expect(before(later(), Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  test('gives undefined for what never comes', async () => {
    expect(await before(performance.now() + 5, new Promise(() => undefined))).toBeUndefined()
    expect(await before(performance.now() - 5, new Promise(() => undefined))).toBeUndefined()
  })

  test('lets what fails too late be nobody’s', async () => {
    let fail = (): void => undefined
    const work = new Promise<never>((_, reject) => (fail = () => reject(new Error('late'))))
    expect(await before(performance.now(), work)).toBeUndefined()
    fail()
    await new Promise((resolve) => setImmediate(resolve))
  })
})
