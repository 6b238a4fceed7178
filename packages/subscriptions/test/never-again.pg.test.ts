import { useDatabase } from '@rillflow/testing/vitest'
import { defineSubscription } from '@rillflow/subscriptions'
import { describe, expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { rejectionOf } from './support/rejection-of.js'
import { eagerLease, quick, startRun } from './support/start-run.js'
import { newStore, OrderEvents, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached } from './support/until-status.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase({ max: 20 })

describe('never again', () => {
  test('a restart that starts over', async () => {
    const { store, schema } = await newStore(database.pool)
    await store.close()
    const seen: number[] = []
    for (let start = 1; start <= 5; start += 1) {
      const again = storeOn(database.pool, schema)
      await again.events.append('order-1', placed(3, start * 3 - 2))
      const run = startRun(again, Placed, ({ event }) => void seen.push(event.data.total))
      await until(() => seen.length === start * 3)
      await run.stop()
      await again.close()
    }
    expect(seen).toEqual(Array.from({ length: 15 }, (_, n) => n + 1))
  })

  test('an ack before the consumer has seen the event', async () => {
    const { store, schema } = await newStore(database.pool)
    const pool = new WatchedPool(database.pool)
    await using watched = storeOn(pool, schema)
    await store.events.append('order-1', placed(2))
    const began = barrier()
    const gate = barrier()
    const run = startRun(watched, Placed, async () => {
      began.open()
      await gate.opened
    })
    await began.opened
    pool.take()
    const iterator = watched.subscriptions.open(Placed, { group: 'open' })[Symbol.asyncIterator]()
    await iterator.next()
    // Both have been handed an event that is not done: neither has sent anything of it.
    expect(pool.operations().filter((operation) => operation === 'acknowledge')).toEqual([])
    await iterator.return?.()
    expect(await watched.subscriptions.status('placed', { group: 'open' })).toMatchObject({ position: 0 })
    const stopped = run.stop()
    gate.open()
    await stopped
    expect(await watched.subscriptions.status('placed')).toMatchObject({ position: 1 })
  })

  test('a standby that replays from a stale cursor', async () => {
    const { store, schema } = await newStore(database.pool)
    const one = store
    await using two = storeOn(database.pool, schema)
    const seen: string[] = []
    const first = startRun(one, Placed, ({ event }) => void seen.push(`one ${event.data.total}`), { lease: eagerLease })
    await one.events.append('order-1', placed(1, 1))
    await until(() => seen.length === 1)
    // It stands by since the first event.
    startRun(two, Placed, ({ event }) => void seen.push(`two ${event.data.total}`), {
      lease: eagerLease,
    })
    await one.events.append('order-1', placed(5, 2))
    await untilReached(one, 'placed', 6)
    await first.stop()
    await one.events.append('order-1', placed(1, 7))
    await until(() => seen.length === 7)
    expect(seen).toEqual(['one 1', 'one 2', 'one 3', 'one 4', 'one 5', 'one 6', 'two 7'])
  })

  test('acks that go backward', async () => {
    const { store, schema } = await newStore(database.pool)
    const one = store
    const pool = new WatchedPool(database.pool)
    await using late = storeOn(pool, schema)
    await one.events.append('order-1', placed(3))
    // The zombie's ack of the first event is on its way while another handles all of them.
    const held = pool.hold(/rillflow:acknowledge/, 'before')
    const zombie = startRun(late, Placed, () => undefined, {
      lease: { duration: 60_000, poll: 3_600_000 },
      maxInFlight: 1,
    })
    await held.arrived
    await database.query(`update "${schema}".consumers set lease_until = now() - interval '1 second'`)
    startRun(one, Placed, () => undefined, { lease: eagerLease })
    await untilReached(one, 'placed', 3)
    held.letGo()
    await zombie.stop()
    expect(await one.subscriptions.status('placed')).toMatchObject({ position: 3 })
  })

  test('nor within one lease: a flush that is late does not undo what a transaction has told', async () => {
    const { store, schema } = await newStore(database.pool)
    const pool = new WatchedPool(database.pool)
    await using watched = storeOn(pool, schema)
    await store.events.append('order-1', placed(2))
    const held = pool.hold(/rillflow:acknowledge/, 'before')
    await database.query(`create table "${schema}".moves (id int generated always as identity, position bigint);
      create function "${schema}".note_move() returns trigger language plpgsql as $$
        begin insert into "${schema}".moves (position) values (new.position); return null; end $$;
      create trigger note_move after update of position on "${schema}".consumers
        for each row execute function "${schema}".note_move()`)
    startRun(watched, Placed, async (delivery) => {
      if (delivery.event.data.total !== 2) return
      await held.arrived
      await watched.transaction((tx) => tx.subscriptions.ack(delivery))
    })
    await untilReached(store, 'placed', 2)
    held.letGo()
    // The next one's ack goes behind it.
    await store.events.append('order-1', placed(1, 3))
    await untilReached(store, 'placed', 3)
    const { rows } = await database.query<{ position: string }>(`select position from "${schema}".moves order by id`)
    const positions = rows.map(({ position }) => Number(position))
    expect(positions.length).toBeGreaterThan(1)
    expect(positions.toSorted((one, other) => one - other)).toEqual(positions)
  })

  test('swallowed SQL errors', async () => {
    const { store } = await newStore(database.pool)
    await store.events.append('order-1', placed(1))
    startRun(
      store,
      Placed,
      (delivery) =>
        store.transaction(async (tx) => {
          // Caught by the handler: PostgreSQL has ended the transaction all the same, and its ack with it.
          await tx.subscriptions.ack(delivery)
          await tx.sql`select 1 / 0`.catch(() => undefined)
        }),
      { retry: quick },
    )
    await until(async () => (await store.subscriptions.deadLetters.list()).length === 1)
    expect(await store.subscriptions.deadLetters.list()).toMatchObject([{ error: { code: 'TransactionAborted' } }])
  })

  test('nor those of the worker itself: a checkpoint that cannot be written ends the run with its error', async () => {
    const { store, schema } = await newStore(database.pool)
    await store.events.append('order-1', placed(1))
    const run = startRun(store, Placed, async () => {
      await database.query(`alter table "${schema}".consumers add constraint closed check (position = 0)`)
    })
    expect(await rejectionOf(run.ended)).toMatchObject({ code: 'DatabaseError', sqlState: '23514' })
  })

  test('a filter that silently matches all', async () => {
    const { store } = await newStore(database.pool)
    const nothing: readonly unknown[] = [
      {},
      [],
      null,
      'x',
      { types: [] },
      { types: undefined },
      { streamIds: [] },
      { categories: [] },
      { streamPrefix: '' },
      { type: 'OrderPlaced' },
      { streamIDs: ['order-1'] },
    ]
    const refused = { code: 'InvalidArgument' }
    for (const filter of nothing) {
      expect(
        await rejectionOf(store.subscriptions.create('x', { filter: filter as never })),
        JSON.stringify(filter),
      ).toMatchObject(refused)
      expect(() => store.subscriptions.tail({ filter: filter as never })).toThrow(
        expect.objectContaining(refused) as Error,
      )
    }
    for (const filter of nothing.slice(4, 9).filter((each) => !('types' in (each as object)))) {
      const Some = defineSubscription('some', { from: [OrderEvents], filter: filter as never })
      expect(await rejectionOf(store.subscriptions.run(Some, () => undefined))).toMatchObject(refused)
    }
    // Nor may something that only looks like a definition.
    for (const subscription of [{ name: 'x' }, { name: 'x', filter: undefined }, {}, null, undefined, 7]) {
      expect(await rejectionOf(store.subscriptions.run(subscription as never, () => undefined))).toMatchObject(refused)
      expect(await rejectionOf(store.subscriptions.create(subscription as never))).toMatchObject(refused)
    }
    expect(await store.subscriptions.list()).toEqual([])
  })
})
