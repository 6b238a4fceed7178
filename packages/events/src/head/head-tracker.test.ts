import { getEventListeners } from 'node:events'
import { silentLogger } from '@rillflow/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SequenceBehindError } from '../errors.js'
import { HeadTracker } from './head-tracker.js'

beforeEach(() => {
  // Not setImmediate and not promises: only the polling clock belongs to the test.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** A head that the test sets, and how often the tracker looked at it. */
function track(): { tracker: HeadTracker; state: { head: number; looks: number; error: Error | undefined } } {
  const state = { head: 0, looks: 0, error: undefined as Error | undefined }
  const look = async (): Promise<number> => {
    state.looks += 1
    if (state.error !== undefined) throw state.error
    return state.head
  }
  return { tracker: new HeadTracker(look, silentLogger), state }
}

const settle = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined)

test('a head that is there already is told at the first look', async () => {
  const { tracker, state } = track()
  state.head = 7
  expect(await tracker.wait(6, undefined)).toBe(7)
  expect(state.looks).toBe(1)
})

test('a wake-up looks without waiting for the clock', async () => {
  const { tracker, state } = track()
  const waiting = tracker.wait(0, undefined)
  await vi.advanceTimersByTimeAsync(10_000)
  const before = state.looks
  state.head = 1
  tracker.wake()
  expect(await waiting).toBe(1)
  expect(state.looks).toBe(before + 1)
})

test('a wake-up during a look asks for another one', async () => {
  const { tracker, state } = track()
  const waiting = tracker.wait(0, undefined)
  // The first look is under way and has taken its answer.
  state.head = 1
  tracker.wake()
  expect(await waiting).toBe(1)
  expect(state.looks).toBe(2)
})

test('an idle tracker looks once a second, however many wait', async () => {
  const { tracker, state } = track()
  const waiting = Array.from({ length: 100 }, () => tracker.wait(0, undefined))
  await vi.advanceTimersByTimeAsync(5_000)
  const before = state.looks
  await vi.advanceTimersByTimeAsync(60_000)
  expect(state.looks - before).toBe(60)
  state.head = 3
  await vi.advanceTimersByTimeAsync(1_000)
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([3]))
  const after = state.looks
  await vi.advanceTimersByTimeAsync(60_000)
  tracker.wake()
  await settle()
  expect(state.looks, 'nobody waits, nobody looks').toBe(after)
})

test('each waits for its own position', async () => {
  const { tracker, state } = track()
  const near = tracker.wait(0, undefined)
  const far = tracker.wait(5, undefined)
  state.head = 5
  tracker.wake()
  expect(await near).toBe(5)
  state.head = 6
  tracker.wake()
  expect(await far).toBe(6)
})

test('a signal ends its own waiting, with its reason, and leaves no listener and no timer', async () => {
  const { tracker, state } = track()
  const controller = new AbortController()
  const waiting = tracker.wait(0, controller.signal)
  await settle()
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
  await expect(tracker.wait(0, controller.signal)).rejects.toBe(reason)
  expect(state.looks).toBe(1)
})

test('a signal that lives long keeps no listener of a waiting that ended', async () => {
  const { tracker, state } = track()
  const { signal } = new AbortController()
  state.head = 1
  for (let turn = 0; turn < 20; turn += 1) await tracker.wait(0, signal)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a look that fails is not the end: the next one tells', async () => {
  const { tracker, state } = track()
  state.error = new Error('the server is away')
  const waiting = tracker.wait(0, undefined)
  await vi.advanceTimersByTimeAsync(10_000)
  state.error = undefined
  state.head = 2
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await waiting).toBe(2)
})

test('a sequence that lags is told to all who wait', async () => {
  const { tracker, state } = track()
  const waiting = [tracker.wait(0, undefined), tracker.wait(9, undefined)]
  state.error = new SequenceBehindError('rillflow')
  tracker.wake()
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'SequenceBehind' })
  expect(vi.getTimerCount()).toBe(0)
})

test('failing ends all waiting', async () => {
  const { tracker } = track()
  const waiting = tracker.wait(0, undefined)
  const reason = new Error('closed')
  tracker.fail(reason)
  await expect(waiting).rejects.toBe(reason)
  await settle()
  expect(vi.getTimerCount()).toBe(0)
})
