import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { atEnd } from './support/at-end.js'
import { eagerLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached } from './support/until-status.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase({ max: 20 })

/** A store over a pool that tells what is sent, with so many events. */
async function newWatched(events: number) {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(events))
  const pool = new WatchedPool(database.pool)
  const watched = storeOn(pool, schema, { events: { wakeUps: false } })
  atEnd(() => watched.close())
  await watched.events.head()
  pool.take()
  return { store, watched, pool }
}

function count(operations: readonly string[], operation: string): number {
  return operations.filter((each) => each === operation).length
}

test('a run begins with four statements, reads a page by one, and tells many acks by one', async () => {
  const { store, watched, pool } = await newWatched(1_000)
  const seen: number[] = []
  const run = startRun(watched, Placed, ({ event }) => void seen.push(event.data.total), {
    pageSize: 100,
    lease: eagerLease,
  })
  await untilReached(store, 'placed', 1_000)
  await run.stop()
  const operations = pool.operations()
  expect(operations.slice(0, 4)).toEqual(['create_consumer', 'consumer_definition', 'claim_leases', 'read_aside'])
  // Ten full pages; the one behind them is asked for when there is more.
  expect(count(operations, 'read_all_asc')).toBeLessThanOrEqual(11)
  expect(count(operations, 'read_all_asc')).toBeGreaterThanOrEqual(10)
  // Acks that come while one is told go with the next one.
  expect(count(operations, 'acknowledge')).toBeLessThan(500)
  expect(count(operations, 'release_lease')).toBe(1)
  expect(seen).toHaveLength(1_000)
})

test('acks that come together are told by one statement', async () => {
  const { store, watched, pool } = await newWatched(50)
  const held = pool.hold(/rillflow:acknowledge/, 'before')
  const deliveries = watched.subscriptions.open(Placed, { ack: 'manual', maxInFlight: 50, lease: eagerLease })
  const iterator = deliveries[Symbol.asyncIterator]()
  for (let n = 0; n < 50; n += 1) (await iterator.next()).value?.ack()
  await held.arrived
  held.letGo()
  await untilReached(store, 'placed', 50)
  await iterator.return?.()
  expect(count(pool.operations(), 'acknowledge')).toBe(2)
})

test('an ack in a transaction is one statement in it, and none beside it', async () => {
  const { store, watched, pool } = await newWatched(3)
  const run = startRun(watched, Placed, (delivery) => watched.transaction((tx) => tx.subscriptions.ack(delivery)), {
    lease: eagerLease,
  })
  await untilReached(store, 'placed', 3)
  await run.stop()
  const operations = pool.operations()
  expect(count(operations, 'acknowledge')).toBe(3)
  expect(count(operations, 'commit')).toBe(3)
  expect(count(operations, 'read_checkpoint')).toBe(0)
})

test('what the filter leaves out costs no statement for each event', async () => {
  const { store, watched, pool } = await newWatched(1)
  await store.subscriptions.create(Placed, { startFrom: 'now' })
  for (let n = 0; n < 5; n += 1) {
    await store.events.append(
      'note-1',
      Array.from({ length: 100 }, () => ({ type: 'Noted' as const, data: { total: 0 } })),
    )
  }
  const run = startRun(watched, Placed, () => undefined, { lease: eagerLease })
  await untilReached(store, 'placed', 501)
  await run.stop()
  const operations = pool.operations()
  expect(count(operations, 'acknowledge')).toBe(1)
  expect(count(operations, 'read_all_asc')).toBe(1)
})

test('a pool of one connection is enough, for a run and its heartbeat too', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(20))
  let lent = 0
  let most = 0
  const waiting: (() => void)[] = []
  const connect = async () => {
    if (lent === 1) await new Promise<void>((resolve) => waiting.push(resolve))
    lent += 1
    most = Math.max(most, lent)
    const client = await database.pool.connect()
    return Object.assign(Object.create(client) as typeof client, {
      query: client.query.bind(client),
      release: (destroy?: Error | boolean) => {
        lent -= 1
        client.release(destroy)
        waiting.shift()?.()
      },
    })
  }
  const single = storeOn({ connect }, schema, { events: { wakeUps: false } })
  const seen: number[] = []
  const run = startRun(
    single,
    Placed,
    (delivery) =>
      single.transaction(async (tx) => {
        await tx.subscriptions.ack(delivery)
        seen.push(delivery.event.data.total)
      }),
    { maxInFlight: 1, lease: { duration: 300, poll: 20 } },
  )
  await until(() => new Set(seen).size === 20)
  await run.stop()
  await single.close()
  expect(most).toBe(1)
})
