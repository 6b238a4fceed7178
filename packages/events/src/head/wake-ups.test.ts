import { silentLogger, type Connection, type Statement } from '@rillflow/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WakeUps } from './wake-ups.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Wake-ups whose notifications go to a list: the schema of each. */
function watch(notify = true): { wakeUps: WakeUps; sent: string[]; woken: string[] } {
  const sent: string[] = []
  const woken: string[] = []
  const query = async ({ values }: Statement): Promise<void> => void sent.push(String(values[0]))
  const wakeUps = new WakeUps({ query } as unknown as Connection, silentLogger, notify)
  wakeUps.listen((schema) => void woken.push(schema))
  return { wakeUps, sent, woken }
}

test('a commit is told here and elsewhere at once', () => {
  const { wakeUps, sent, woken } = watch()
  wakeUps.committed('a', false)
  expect({ sent, woken }).toEqual({ sent: ['a'], woken: ['a'] })
})

test('a burst is told here each time and elsewhere every 10 ms, its last commit included', () => {
  const { wakeUps, sent, woken } = watch()
  for (let millisecond = 0; millisecond < 25; millisecond += 1) {
    wakeUps.committed('a', false)
    vi.advanceTimersByTime(1)
  }
  expect(woken).toHaveLength(25)
  expect(sent).toHaveLength(3)
  vi.advanceTimersByTime(1_000)
  expect(sent, 'nothing comes after the commit that came after the last notification').toHaveLength(4)
})

test('a schema does not wait for another', () => {
  const { wakeUps, sent } = watch()
  wakeUps.committed('a', false)
  wakeUps.committed('b', false)
  expect(sent).toEqual(['a', 'b'])
})

test('a batch carries the notification when it is time for one, and then sends none', () => {
  const { wakeUps, sent, woken } = watch()
  expect(wakeUps.claim('a')).toBe(true)
  expect(wakeUps.claim('a')).toBe(false)
  wakeUps.committed('a', true)
  expect({ sent, woken }).toEqual({ sent: [], woken: ['a'] })
  vi.advanceTimersByTime(10)
  expect(wakeUps.claim('a')).toBe(true)
})

test('without notifications readers here are woken, and nothing is sent or carried', () => {
  const { wakeUps, sent, woken } = watch(false)
  expect(wakeUps.claim('a')).toBe(false)
  wakeUps.committed('a', false)
  vi.advanceTimersByTime(1_000)
  expect({ sent, woken }).toEqual({ sent: [], woken: ['a'] })
})

test('closing lets go of what was postponed and of who listens', () => {
  const { wakeUps, sent, woken } = watch()
  wakeUps.committed('a', false)
  wakeUps.committed('a', false)
  wakeUps.close()
  vi.advanceTimersByTime(1_000)
  expect(sent).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
  wakeUps.committed('b', true)
  expect(woken).toEqual(['a', 'a'])
})
