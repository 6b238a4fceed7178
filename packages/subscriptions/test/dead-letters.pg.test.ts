import type { DeadLetter } from '@rillflow/subscriptions'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { rejectionOf } from './support/rejection-of.js'
import { nimbleLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, type TestStore } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached } from './support/until-status.js'

const database = useDatabase({ max: 20 })
const once = { retry: { attempts: 1 }, lease: nimbleLease } as const

/** Two streams of three events each, `a` of 1 to 3 and `b` of 11 to 13, in turns, and a handler that fails for what is broken. */
async function newBroken(...broken: number[]) {
  const { store, schema } = await newStore(database.pool)
  for (let n = 1; n <= 3; n += 1) {
    await store.events.append('a', placed(1, n))
    await store.events.append('b', placed(1, 10 + n))
  }
  const seen: number[] = []
  const failing = new Set(broken)
  const handle = ({ event }: { event: { data: { total: number } } }): void => {
    if (failing.has(event.data.total)) throw new Error(`no ${event.data.total}`)
    seen.push(event.data.total)
  }
  return { store, schema, seen, failing, handle }
}

async function letters(store: TestStore): Promise<readonly DeadLetter[]> {
  return store.subscriptions.deadLetters.list('placed')
}

/** The id of the letter at a position. */
async function idAt(store: TestStore, position: number): Promise<string> {
  return (await letters(store)).find((letter) => letter.position === position)?.id ?? ''
}

test('requeueing one that parks brings those of its stream, in order, and nothing else', async () => {
  const { store, seen, failing, handle } = await newBroken(1, 11)
  startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  expect((await letters(store)).map(({ position }) => position).toSorted((one, two) => one - two)).toEqual([
    1, 2, 3, 4, 5, 6,
  ])
  failing.clear()
  // Whichever of them is named.
  await store.subscriptions.deadLetters.requeue(await idAt(store, 3))
  await until(() => seen.length === 3)
  await until(async () => (await letters(store)).length === 3)
  expect(seen).toEqual([1, 2, 3])
  expect((await letters(store)).map(({ streamId }) => streamId)).toEqual(['b', 'b', 'b'])
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: 6 })
  // The stream flows again.
  await store.events.append('a', placed(1, 4))
  await until(() => seen.length === 4)
})

test('requeueing all brings all, in the order of positions', async () => {
  const { store, seen, failing, handle } = await newBroken(1, 11)
  startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  failing.clear()
  expect(await store.subscriptions.deadLetters.requeueAll('placed')).toBe(6)
  await until(() => seen.length === 6)
  expect(seen).toEqual([1, 11, 2, 12, 3, 13])
  await until(async () => (await letters(store)).length === 0)
  expect(await store.subscriptions.deadLetters.requeueAll('placed')).toBe(0)
})

test('requeued before it runs again, letters come before what is new', async () => {
  const { store, seen, failing, handle } = await newBroken(1)
  const run = startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  await run.stop()
  failing.clear()
  await store.events.append('a', placed(1, 4))
  await store.subscriptions.deadLetters.requeueAll('placed')
  expect((await letters(store)).map(({ requeued }) => requeued)).toEqual([true, true, true])
  startRun(store, Placed, handle, once)
  await until(() => seen.length === 7)
  expect(seen).toEqual([11, 12, 13, 1, 2, 3, 4])
})

test('one that fails again goes back, and those behind it are not tried; other streams are', async () => {
  const { store, seen, failing, handle } = await newBroken(1, 11)
  startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  failing.delete(11)
  await store.subscriptions.deadLetters.requeueAll('placed')
  await until(async () => (await letters(store)).length === 3)
  expect(seen).toEqual([11, 12, 13])
  expect(await letters(store)).toMatchObject([
    { position: 1, attempts: 2, waiting: false, requeued: false, error: { message: 'no 1' } },
    { position: 3, attempts: 0, waiting: true, requeued: false },
    { position: 5, attempts: 0, waiting: true, requeued: false },
  ])
})

test('one in the middle that fails again keeps those behind it, and what comes new to its stream', async () => {
  const { store, seen, failing, handle } = await newBroken(1)
  startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  failing.delete(1)
  failing.add(2)
  await store.subscriptions.deadLetters.requeueAll('placed')
  await until(async () => (await letters(store)).length === 2)
  await store.events.append('a', placed(1, 4))
  await untilReached(store, 'placed', 7)
  expect(seen).toEqual([11, 12, 13, 1])
  expect(await letters(store)).toMatchObject([
    { position: 3, attempts: 1, waiting: false, error: { message: 'no 2' } },
    { position: 5, attempts: 0, waiting: true },
    { position: 7, attempts: 0, waiting: true },
  ])
  failing.clear()
  await store.subscriptions.deadLetters.requeueAll('placed')
  await until(() => seen.length === 7)
  expect(seen.slice(4)).toEqual([2, 3, 4])
})

test('requeueing one that does not park brings it alone, and again when it fails', async () => {
  const { store, seen, failing, handle } = await newBroken(1, 2)
  startRun(store, Placed, handle, { ...once, onFailure: 'deadLetter' })
  await untilReached(store, 'placed', 6)
  expect(seen).toEqual([11, 12, 3, 13])
  await store.subscriptions.deadLetters.requeue(await idAt(store, 3))
  await until(async () => (await letters(store)).some(({ attempts }) => attempts === 2))
  expect(await letters(store)).toMatchObject([
    { position: 1, attempts: 1, requeued: false },
    { position: 3, attempts: 2, requeued: false },
  ])
  failing.clear()
  await store.subscriptions.deadLetters.requeue(await idAt(store, 1))
  await until(() => seen.length === 5)
  await until(async () => (await letters(store)).length === 1)
  expect(seen.slice(4)).toEqual([1])
  expect((await letters(store)).map(({ position }) => position)).toEqual([3])
})

test('requeueing twice is requeueing once', async () => {
  const { store, seen, failing, handle } = await newBroken(1)
  const run = startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  await run.stop()
  failing.clear()
  const id = await idAt(store, 1)
  await store.subscriptions.deadLetters.requeue(id)
  await store.subscriptions.deadLetters.requeue(id)
  await store.subscriptions.deadLetters.requeueAll('placed')
  const again = startRun(store, Placed, handle, once)
  await until(async () => (await letters(store)).length === 0)
  await again.stop()
  expect(seen).toEqual([11, 12, 13, 1, 2, 3])
})

test('deleted, an event is given up; those behind it wait until they are requeued', async () => {
  const { store, seen, handle } = await newBroken(1)
  startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  await store.subscriptions.deadLetters.delete(await idAt(store, 1))
  await store.events.append('a', placed(1, 4))
  await untilReached(store, 'placed', 7)
  expect((await letters(store)).map(({ position, waiting }) => [position, waiting])).toEqual([
    [3, true],
    [5, true],
    [7, true],
  ])
  await store.subscriptions.deadLetters.requeue(await idAt(store, 3))
  await until(() => seen.length === 6)
  expect(seen.slice(3)).toEqual([2, 3, 4])
})

test('when the last one of a stream is deleted, it flows again', async () => {
  const { store, seen, handle } = await newBroken(3)
  startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 6)
  await store.subscriptions.deadLetters.delete(await idAt(store, 5))
  await store.events.append('a', placed(1, 4))
  await until(() => seen.includes(4))
  expect(await letters(store)).toEqual([])
})

test('listed by name and group, the oldest first, page by page', async () => {
  const { store, handle } = await newBroken(1)
  for (const group of [undefined, 'eu']) {
    const run = startRun(store, Placed, handle, { ...once, group })
    await untilReached(store, 'placed', 6, group)
    await run.stop()
  }
  const { deadLetters } = store.subscriptions
  const all = await deadLetters.list()
  expect(all.map(({ name, group, position }) => [name, group, position])).toEqual([
    ['placed', '', 1],
    ['placed', '', 3],
    ['placed', '', 5],
    ['placed', 'eu', 1],
    ['placed', 'eu', 3],
    ['placed', 'eu', 5],
  ])
  expect(await deadLetters.list('placed', { group: 'eu' })).toEqual(all.slice(3))
  expect(await deadLetters.list('other')).toEqual([])
  const first = await deadLetters.list('placed', { limit: 4 })
  expect(await deadLetters.list('placed', { after: first.at(-1)?.id, limit: 4 })).toEqual(all.slice(4))
  // Those of the other group are left alone.
  expect(await deadLetters.requeueAll('placed', { group: 'eu' })).toBe(3)
  expect((await deadLetters.list()).map(({ requeued }) => requeued)).toEqual([false, false, false, true, true, true])
})

test('what is not there, or no id, is refused', async () => {
  const { store } = await newBroken()
  const { deadLetters } = store.subscriptions
  const missing = { code: 'ConsumerNotFound' }
  expect(await rejectionOf(deadLetters.requeue('1'))).toMatchObject(missing)
  expect(await rejectionOf(deadLetters.delete('999999999999999999'))).toMatchObject(missing)
  expect(await rejectionOf(deadLetters.requeueAll('placed'))).toMatchObject(missing)
  for (const id of ['', 'x', '-1', '1.0', '1; drop table streams', '9'.repeat(19), 1, null, undefined]) {
    const refused = { code: 'InvalidArgument' }
    expect(await rejectionOf(deadLetters.requeue(id as string))).toMatchObject(refused)
    expect(await rejectionOf(deadLetters.delete(id as string))).toMatchObject(refused)
  }
  for (const limit of [0, -1, 1.5, 10_001, '1']) {
    expect(await rejectionOf(deadLetters.list('x', { limit: limit as number }))).toMatchObject({
      code: 'InvalidArgument',
    })
  }
})

test('one that was put aside alone and fails again holds up nothing of its stream', async () => {
  const { store, seen, failing, handle } = await newBroken(1, 2)
  const alone = startRun(store, Placed, ({ event }) => void (event.data.total === 1 && handle({ event })), {
    ...once,
    onFailure: 'deadLetter',
  })
  await untilReached(store, 'placed', 6)
  await alone.stop()
  await store.events.append('a', placed(1, 2))
  await store.events.append('a', placed(1, 4))
  const parking = startRun(store, Placed, handle, once)
  await untilReached(store, 'placed', 8)
  await parking.stop()
  failing.delete(2)
  expect(await store.subscriptions.deadLetters.requeueAll('placed')).toBe(3)
  startRun(store, Placed, handle, once)
  await until(async () => (await letters(store)).length === 1)
  expect(seen).toEqual([2, 4])
  expect(await letters(store)).toMatchObject([{ position: 1, parks: false, attempts: 2, requeued: false }])
})
