import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { newStore, Orders, placed, storeOn } from './support/test-store.js'

const database = useDatabase()

test('a run gives each event once, in order, and a restart goes on behind the last one', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const seen: number[] = []
  const until = async (run: typeof store, count: number): Promise<void> => {
    const stop = new AbortController()
    await run.subscriptions.run(
      Orders,
      ({ event }) => {
        if (event.type === 'OrderPlaced') seen.push(event.data.total)
        if (seen.length === count) stop.abort()
      },
      { signal: stop.signal },
    )
  }
  await until(store, 3)
  await store.close()
  const again = storeOn(database.pool, schema)
  await again.events.append('order-2', placed(2, 4))
  await until(again, 5)
  expect(seen).toEqual([1, 2, 3, 4, 5])
  expect(await again.subscriptions.status('orders')).toMatchObject({ position: 5, head: 5, lag: 0, state: 'active' })
  await again.close()
})

test('an event that fails for good is parked with those behind it, and requeued in order', async () => {
  const { store } = await newStore(database.pool)
  for (let n = 1; n <= 3; n += 1) {
    await store.events.append('bad', placed(1, n))
    await store.events.append('good', placed(1, 10 + n))
  }
  const seen: number[] = []
  let broken = true
  const run = async (count: number): Promise<void> => {
    const stop = new AbortController()
    await store.subscriptions.run(
      Orders,
      ({ event }) => {
        if (broken && event.streamId === 'bad') throw new Error('no')
        seen.push(event.type === 'OrderPlaced' ? event.data.total : 0)
        if (seen.length === count) stop.abort()
      },
      { signal: stop.signal, retry: { attempts: 2, delay: 1 } },
    )
  }
  await run(3)
  expect(seen).toEqual([11, 12, 13])
  const letters = await store.subscriptions.deadLetters.list('orders')
  expect(letters.map(({ position, waiting, attempts }) => ({ position, waiting, attempts }))).toEqual([
    { position: 1, waiting: false, attempts: 2 },
    { position: 3, waiting: true, attempts: 0 },
    { position: 5, waiting: true, attempts: 0 },
  ])
  broken = false
  await store.subscriptions.deadLetters.requeue(letters[0]?.id ?? '')
  await run(6)
  expect(seen).toEqual([11, 12, 13, 1, 2, 3])
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
  await store.close()
})
