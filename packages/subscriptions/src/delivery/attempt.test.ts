import { expect, test } from 'vitest'
import { Attempt } from './attempt.js'

const never = new Promise<void>(() => undefined)

test('it ends with its handler, or as its handler fails', async () => {
  await expect(new Attempt().until(Promise.resolve())).resolves.toBeUndefined()
  await expect(new Attempt().until(Promise.reject(new Error('failed')))).rejects.toThrow('failed')
})

test('aborted, it leaves a handler behind that does not heed it', async () => {
  const attempt = new Attempt()
  const ended = attempt.until(never)
  attempt.abort(new Error('too late'))
  await expect(ended).rejects.toThrow('too late')
  expect(attempt.isAborted).toBe(true)
})

test('its signal is aborted with the reason, whenever it is asked for', () => {
  const [early, late] = [new Attempt(), new Attempt()]
  const { signal } = early
  expect(signal.aborted).toBe(false)
  const reason = new Error('the lease is lost')
  for (const attempt of [early, late]) attempt.abort(reason)
  expect([signal.reason, late.signal.reason]).toEqual([reason, reason])
  expect(early.signal).toBe(signal)
})

test('the first reason stands', () => {
  const [early, late] = [new Attempt(), new Attempt()]
  const { signal } = early
  for (const attempt of [early, late]) {
    attempt.abort(new Error('first'))
    attempt.abort(new Error('second'))
  }
  expect([signal.reason, late.signal.reason]).toEqual([new Error('first'), new Error('first')])
})
