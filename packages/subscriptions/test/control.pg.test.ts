import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { addEffect, makeEffects } from './support/effects.js'
import { rejectionOf } from './support/rejection-of.js'
import { eagerLease, nimbleLease, quick, startRun } from './support/start-run.js'
import { newStore, Orders, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached, untilStatus } from './support/until-status.js'

const database = useDatabase({ max: 20 })

test('when pause has returned nothing is acknowledged: not by the handler that stands in the middle of its work', async () => {
  const { store, schema } = await newStore(database.pool)
  const operator = store
  await using worker = storeOn(database.pool, schema)
  await worker.events.append('order-1', placed(2))
  const began = barrier()
  const gate = barrier()
  const seen: number[] = []
  startRun(
    worker,
    Placed,
    async ({ event }) => {
      seen.push(event.data.total)
      began.open()
      await gate.opened
    },
    // It does not hear of the pause before it acknowledges.
    { lease: eagerLease },
  )
  await began.opened
  await operator.subscriptions.pause('placed')
  gate.open()
  await untilStatus(operator, 'placed', ({ state }) => state === 'paused')
  await operator.subscriptions.create('clock', { startFrom: 'now' })
  // The worker has told its ack, and looks for a lease again.
  const clock = startRun(worker, 'clock', () => undefined, { lease: eagerLease })
  await worker.events.append('order-1', placed(1, 3))
  await untilReached(operator, 'clock', 3)
  await clock.stop()
  expect(await operator.subscriptions.status('placed')).toMatchObject({
    state: 'paused',
    position: 0,
    partitions: [{ state: 'paused', worker: undefined }],
  })
  await operator.subscriptions.resume('placed')
  await untilReached(operator, 'placed', 3)
  // What was not acknowledged came again.
  expect(seen.filter((total) => total === 1)).toHaveLength(2)
})

test('nor by a transaction that was open while pause was called: pause waits for it, or undoes it', async () => {
  const { store, schema } = await newStore(database.pool)
  const operator = store
  await using worker = storeOn(database.pool, schema)
  const effects = await makeEffects(database.pool, schema)
  await worker.events.append('order-1', placed(3))
  const stands = { before: barrier(), after: barrier() }
  const gate = { before: barrier(), after: barrier() }
  startRun(
    worker,
    Placed,
    (delivery) =>
      worker.transaction(async (tx) => {
        const { total } = delivery.event.data
        await addEffect(tx, schema, total)
        if (total === 2) {
          stands.before.open()
          await gate.before.opened
        }
        await tx.subscriptions.ack(delivery)
        if (total === 1) {
          stands.after.open()
          await gate.after.opened
        }
      }),
    { lease: eagerLease },
  )
  await stands.after.opened
  // It holds the row: pause waits for its commit.
  const first = operator.subscriptions.pause('placed')
  gate.after.open()
  await first
  expect((await operator.subscriptions.status('placed')).position).toBe(1)
  expect(await effects.read()).toEqual([1])
  await operator.subscriptions.resume('placed')
  await stands.before.opened
  // It does not hold it yet: its ack will find the epoch gone.
  await operator.subscriptions.pause('placed')
  gate.before.open()
  await operator.subscriptions.resume('placed')
  await untilReached(operator, 'placed', 3)
  expect(await effects.read()).toEqual([1, 2, 3])
})

test('a pause holds across restarts, and for workers that come later, until it is resumed', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create(Placed)
  await store.subscriptions.pause('placed')
  await store.events.append('order-1', placed(1))
  const seen: number[] = []
  startRun(store, Placed, ({ event }) => void seen.push(event.data.total), { lease: eagerLease })
  startRun(store, Orders, () => undefined)
  await untilReached(store, 'orders', 1)
  expect(seen).toEqual([])
  await store.subscriptions.resume('placed')
  await until(() => seen.length === 1)
})

test('pausing one group leaves the others alone', async () => {
  const { store } = await newStore(database.pool)
  for (const group of [undefined, 'eu', 'us']) await store.subscriptions.create(Placed, { group })
  await store.subscriptions.pause('placed', { group: 'eu' })
  expect((await store.subscriptions.groups('placed')).map(({ group, state }) => [group, state])).toEqual([
    ['', 'active'],
    ['eu', 'paused'],
    ['us', 'active'],
  ])
})

test('reset backward handles what lies behind again, and forgets the dead letters there', async () => {
  const { store } = await newStore(database.pool)
  for (let n = 1; n <= 4; n += 1) await store.events.append(`order-${n}`, placed(1, n))
  const seen: number[] = []
  const failing = new Set([1, 3])
  startRun(
    store,
    Placed,
    ({ event }) => {
      if (failing.has(event.data.total)) throw new Error('no')
      seen.push(event.data.total)
    },
    { retry: { attempts: 1 }, lease: nimbleLease },
  )
  await untilReached(store, 'placed', 4)
  expect(seen).toEqual([2, 4])
  failing.clear()
  await store.subscriptions.reset('placed', 2)
  await until(() => seen.length === 4)
  expect(seen.slice(2)).toEqual([3, 4])
  // That of position 1 lies before it, and stays.
  expect((await store.subscriptions.deadLetters.list()).map(({ position }) => position)).toEqual([1])
  expect((await store.subscriptions.status('placed')).partitions[0]?.lastError).toBeUndefined()
  await store.subscriptions.reset('placed', 'beginning')
  await until(() => seen.length === 8)
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
})

test('reset forward passes events over; to now, all that are there', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create(Placed)
  await store.events.append('order-1', placed(4))
  await store.subscriptions.reset('placed', 2)
  const seen: number[] = []
  const take = ({ event }: { event: { data: { total: number } } }): void => void seen.push(event.data.total)
  const run = startRun(store, Placed, take)
  await untilReached(store, 'placed', 4)
  await run.stop()
  expect(seen).toEqual([3, 4])
  await store.subscriptions.pause('placed')
  await store.events.append('order-1', placed(2, 5))
  await store.subscriptions.reset('placed', 'now')
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: 6, lag: 0, state: 'paused' })
  await store.subscriptions.resume('placed')
  startRun(store, Placed, take)
  await store.events.append('order-1', placed(1, 7))
  await until(() => seen.length === 3)
  expect(seen).toEqual([3, 4, 7])
})

test('a reset while a handler works: its ack does not put the checkpoint back', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const began = barrier()
  const gate = barrier()
  const seen: number[] = []
  startRun(
    store,
    Placed,
    async ({ event }) => {
      seen.push(event.data.total)
      if (event.data.total !== 3 || seen.length !== 3) return
      began.open()
      await gate.opened
    },
    { lease: eagerLease },
  )
  await began.opened
  await store.subscriptions.reset('placed', 0)
  gate.open()
  await untilReached(store, 'placed', 3)
  expect(seen).toEqual([1, 2, 3, 1, 2, 3])
})

test('status, list and groups tell all that there is, by name and group', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  expect(await store.subscriptions.list()).toEqual([])
  expect(await store.subscriptions.create(Placed, { partitions: 2, maxInFlight: 7 })).toBe(true)
  expect(await store.subscriptions.create(Placed, { partitions: 3 })).toBe(false)
  expect(await store.subscriptions.create('all', { group: 'b', startFrom: 'now' })).toBe(true)
  expect(await store.subscriptions.create('all', { group: 'a', startFrom: 100 })).toBe(true)
  const partition = {
    position: 0,
    state: 'active',
    worker: undefined,
    failing: undefined,
    lastError: undefined,
  } as const
  expect(await store.subscriptions.status('placed')).toEqual({
    name: 'placed',
    group: '',
    version: 1,
    state: 'active',
    position: 0,
    head: 3,
    lag: 3,
    maxInFlight: 7,
    deadLetters: { failed: 0, waiting: 0 },
    partitions: [
      { partition: 0, ...partition },
      { partition: 1, ...partition },
    ],
  })
  const all = await store.subscriptions.list()
  expect(all.map(({ name, group, position, lag }) => [name, group, position, lag])).toEqual([
    ['all', 'a', 100, 0],
    ['all', 'b', 3, 0],
    ['placed', '', 0, 3],
  ])
  expect(await store.subscriptions.groups('all')).toEqual(all.slice(0, 2))
  expect(await store.subscriptions.groups('none')).toEqual([])
  startRun(store, Placed, () => undefined)
  await untilStatus(store, 'placed', ({ partitions }) => partitions.every(({ worker }) => worker !== undefined))
  const { partitions } = await store.subscriptions.status('placed')
  expect(partitions[0]?.worker).toMatch(/^[0-9a-f-]{36}$/)
})

test('what is made by name keeps its filter, and is run by its name', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.subscriptions.create('ships', { filter: { types: ['OrderShipped'], streamPrefix: 'order-' } })
  await store.close()
  await using again = storeOn(database.pool, schema)
  await again.events.append('order-1', placed(1))
  await again.events.append('order-1', [{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
  const seen: number[] = []
  startRun(again, 'ships', ({ event }) => void seen.push(event.position))
  await untilReached(again, 'ships', 2)
  expect(seen).toEqual([2])
})

test('removed, it is forgotten with its dead letters; made again, it begins anew', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  const run = startRun(
    store,
    Placed,
    () => {
      throw new Error('no')
    },
    { retry: quick },
  )
  await untilReached(store, 'placed', 2)
  await run.stop()
  await store.subscriptions.remove('placed')
  expect(await store.subscriptions.list()).toEqual([])
  const { rows } = await database.query(`select from "${schema}".dead_letters`)
  expect(rows).toEqual([])
  const seen: number[] = []
  startRun(store, Placed, ({ event }) => void seen.push(event.data.total))
  await until(() => seen.length === 2)
})

test('removed while it runs, nothing is acknowledged any more', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const began = barrier()
  const gate = barrier()
  const run = startRun(store, Placed, async () => {
    began.open()
    await gate.opened
  })
  await began.opened
  await store.subscriptions.remove('placed')
  gate.open()
  await run.stop()
  expect(await store.subscriptions.list()).toEqual([])
})

test('what is not there is told of', async () => {
  const { store } = await newStore(database.pool)
  const { subscriptions } = store
  await subscriptions.create('there', { group: 'eu' })
  const acts = [
    () => subscriptions.status('there'),
    () => subscriptions.pause('there'),
    () => subscriptions.resume('there'),
    () => subscriptions.reset('there', 0),
    () => subscriptions.setMaxInFlight('there', 1),
    () => subscriptions.repartition('there', 2),
    () => subscriptions.remove('there'),
    () => subscriptions.deadLetters.requeueAll('there'),
    () => subscriptions.run('there', () => undefined),
    () => subscriptions.pause('there', { group: 'us' }),
  ]
  for (const act of acts) {
    expect(await rejectionOf(act())).toMatchObject({
      code: 'ConsumerNotFound',
      message: expect.stringContaining('subscription "there"') as unknown,
    })
  }
})
