import type { ManualDelivery, OpenOptions } from '@rillflow/subscriptions'
import type { StoredEvent } from '@rillflow/events'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { rejectionOf } from './support/rejection-of.js'
import { nimbleLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, type TestStore } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached, untilStatus } from './support/until-status.js'

const database = useDatabase({ max: 20 })

type PlacedDelivery = ManualDelivery<StoredEvent<'OrderPlaced', { total: number }>>

/** An iteration that is stepped by hand. */
function opened(store: TestStore, options: OpenOptions = {}) {
  const iterator = store.subscriptions.open(Placed, options)[Symbol.asyncIterator]()
  return {
    next: async (): Promise<PlacedDelivery> => {
      const { value } = (await iterator.next()) as IteratorYieldResult<PlacedDelivery>
      return value
    },
    leave: async (): Promise<void> => void (await iterator.return?.()),
    iterator,
  }
}

async function totalsOf(store: TestStore, count: number, options: OpenOptions = {}): Promise<readonly number[]> {
  const totals: number[] = []
  for await (const { event } of store.subscriptions.open(Placed, options)) {
    totals.push(event.data.total)
    if (totals.length === count) break
  }
  return totals
}

test('by itself an event counts as handled when the next one is asked for', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const { next, leave } = opened(store)
  expect((await next()).event.data.total).toBe(1)
  expect((await next()).event.data.total).toBe(2)
  await untilReached(store, 'placed', 1)
  await leave()
  // The second was seen, and nobody told that it was handled.
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: 1, partitions: [{ worker: undefined }] })
})

test('leaving with break leaves the last one unacknowledged: it comes again', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  expect(await totalsOf(store, 2)).toEqual([1, 2])
  expect(await totalsOf(store, 2)).toEqual([2, 3])
})

test('an error in the body leaves the last one unacknowledged, and is no failed attempt', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const work = (async () => {
    for await (const _ of store.subscriptions.open(Placed)) throw new Error('mine')
  })()
  expect(await rejectionOf(work)).toMatchObject({ message: 'mine' })
  expect(await store.subscriptions.status('placed')).toMatchObject({
    position: 0,
    partitions: [{ failing: undefined, lastError: undefined }],
  })
})

test('manual acks may come in any order: the checkpoint stands before the first that is open', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const { next, leave } = opened(store, { ack: 'manual', maxInFlight: 3 })
  const [one, two, three] = [await next(), await next(), await next()]
  expect([one, two, three].map(({ event }) => event.data.total)).toEqual([1, 2, 3])
  three.ack()
  one.ack()
  await untilReached(store, 'placed', 1)
  two.ack()
  await untilReached(store, 'placed', 3)
  await leave()
})

test('what was not acknowledged comes again', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const { next, leave } = opened(store, { ack: 'manual', maxInFlight: 3 })
  const [one, , three] = [await next(), await next(), await next()]
  one.ack()
  three.ack()
  await leave()
  expect(await totalsOf(store, 2)).toEqual([2, 3])
})

test('at most maxInFlight are out: not one more, however many wait', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(10))
  const { next, leave } = opened(store, { ack: 'manual', maxInFlight: 4 })
  const out = [await next(), await next(), await next(), await next()]
  const order: string[] = []
  const fifth = next().then(({ event }) => order.push(`came ${event.data.total}`))
  // Another group goes through all of them meanwhile.
  expect(await totalsOf(store, 10, { group: 'other' })).toHaveLength(10)
  order.push('acked')
  out[3]?.ack()
  await fifth
  expect(order).toEqual(['acked', 'came 5'])
  expect((await store.subscriptions.status('placed')).position).toBe(0)
  await leave()
})

test('a nack gives the event up at once: it is a dead letter, by the policy of the run', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  for (const [onFailure, group] of [
    ['park', 'p'],
    ['deadLetter', 'd'],
  ] as const) {
    const { next, leave } = opened(store, { ack: 'manual', onFailure, group })
    const first = await next()
    first.nack(new Error('spoiled'))
    if (onFailure === 'deadLetter') {
      const second = await next()
      expect(second.event.data.total).toBe(2)
      second.nack('text')
      ;(await next()).nack()
    }
    await untilReached(store, 'placed', 3, group)
    await leave()
    const letters = await store.subscriptions.deadLetters.list('placed', { group })
    expect(letters.map(({ attempts, waiting, error }) => [attempts, waiting, error?.message])).toEqual(
      onFailure === 'park'
        ? [
            [1, false, 'spoiled'],
            [0, true, undefined],
            [0, true, undefined],
          ]
        : [
            [1, false, 'spoiled'],
            [1, false, 'text'],
            [1, false, 'given up'],
          ],
    )
  }
})

test('with the policy stop a nack ends the iteration with ConsumerStopped', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const { next, iterator } = opened(store, { ack: 'manual', onFailure: 'stop' })
  ;(await next()).nack('no')
  expect(await rejectionOf(iterator.next())).toMatchObject({ code: 'ConsumerStopped', position: 1 })
})

test('a nack counts with automatic acks too', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1, 1))
  await store.events.append('order-2', placed(1, 2))
  const { next, leave } = opened(store)
  ;(await next()).nack('no')
  expect((await next()).event.data.total).toBe(2)
  await leave()
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([{ position: 1 }])
})

test('something is told of a delivery once', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  const { next, leave } = opened(store, { ack: 'manual' })
  const first = await next()
  first.ack()
  expect(() => first.ack()).toThrow(expect.objectContaining({ code: 'InvalidState' }) as Error)
  expect(() => first.nack()).toThrow(expect.objectContaining({ code: 'InvalidState' }) as Error)
  await leave()
})

test('a delivery is acknowledged in a transaction, and the iteration goes on', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const totals: number[] = []
  for await (const delivery of store.subscriptions.open(Placed, { ack: 'auto' })) {
    await store.transaction((tx) => tx.subscriptions.ack(delivery))
    totals.push(delivery.event.data.total)
    expect((await store.subscriptions.status('placed')).position).toBe(delivery.event.position)
    if (totals.length === 3) break
  }
  expect(totals).toEqual([1, 2, 3])
})

test('when the lease is lost with deliveries out, acks throw LeaseLost, and they come again', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  const { next, leave } = opened(store, { ack: 'manual', maxInFlight: 2, lease: nimbleLease })
  const [one, two] = [await next(), await next()]
  // What an operator does ends the lease.
  await store.subscriptions.resume('placed')
  await until(() => one.signal.aborted)
  for (const delivery of [one, two]) {
    expect(() => delivery.ack()).toThrow(expect.objectContaining({ code: 'LeaseLost' }) as Error)
    expect(() => delivery.nack()).toThrow(expect.objectContaining({ code: 'LeaseLost' }) as Error)
  }
  const again = [await next(), await next()]
  expect(again.map(({ event }) => event.data.total)).toEqual([1, 2])
  for (const delivery of again) delivery.ack()
  await untilReached(store, 'placed', 2)
  await leave()
})

test('leaving while it waits returns, and lets go of the lease', async () => {
  const { store } = await newStore(database.pool)
  const { iterator, leave } = opened(store)
  const waiting = iterator.next()
  await untilStatus(store, 'placed', ({ partitions }) => partitions[0]?.worker !== undefined)
  await leave()
  expect(await waiting).toMatchObject({ done: true })
  expect(await store.subscriptions.status('placed')).toMatchObject({ partitions: [{ worker: undefined }] })
})

test('the signal ends an iteration, also while it waits', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const stop = new AbortController()
  const totals: number[] = []
  for await (const { event } of store.subscriptions.open(Placed, { signal: stop.signal })) {
    totals.push(event.data.total)
    void untilReached(store, 'placed', 1).then(() => stop.abort())
  }
  expect(totals).toEqual([1])
})

test('closing the store ends an iteration', async () => {
  const { store } = await newStore(database.pool)
  const { iterator } = opened(store)
  const waiting = iterator.next()
  await untilStatus(store, 'placed', ({ partitions }) => partitions[0]?.worker !== undefined)
  await store.close()
  expect(await waiting).toMatchObject({ done: true })
  expect(await rejectionOf(opened(store).iterator.next())).toMatchObject({ code: 'InvalidState' })
})

test('a run takes over when an iteration is left', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  const { next, leave } = opened(store, { ack: 'manual' })
  ;(await next()).ack()
  await next()
  const seen: number[] = []
  startRun(store, Placed, ({ event }) => void seen.push(event.data.total), { lease: nimbleLease })
  await leave()
  await until(() => seen.length === 1)
  expect(seen).toEqual([2])
})

test('what ack modes there are is checked at once', async () => {
  const { store } = await newStore(database.pool)
  const refused = expect.objectContaining({ code: 'InvalidArgument', argument: 'ack' }) as Error
  expect(() => store.subscriptions.open(Placed, { ack: 'sometimes' as 'auto' })).toThrow(refused)
})
