import { setTimeout as pause } from 'node:timers/promises'
import { createStore, singleTenant, typed } from '@rillflow/core'
import { defineEvents, events, upcaster, type EventFilter } from '@rillflow/events'
import { useDatabase } from '@rillflow/testing/vitest'
import { defineSubscription, subscriptions } from '@rillflow/subscriptions'
import { expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { rejectionOf } from './support/rejection-of.js'
import { startRun } from './support/start-run.js'
import {
  newStore,
  NoteEvents,
  OrderEvents,
  Orders,
  Placed,
  placed,
  storeOn,
  type TestStore,
} from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached, untilStatus } from './support/until-status.js'

const database = useDatabase({ max: 20 })

/** The totals that a run of the store gives, until there are so many. */
async function totalsOf(store: TestStore, count: number, group?: string): Promise<readonly number[]> {
  const seen: number[] = []
  const stop = new AbortController()
  const take = ({ event }: { event: { data: { total: number } } }): void => {
    seen.push(event.data.total)
    if (seen.length === count) stop.abort()
  }
  await store.subscriptions.run(Placed, take, { signal: stop.signal, group })
  return seen
}

test('a run gives each event once, in order, and a restart goes on behind the last one', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  expect(await totalsOf(store, 3)).toEqual([1, 2, 3])
  await store.close()

  await using again = storeOn(database.pool, schema)
  await again.events.append('order-2', placed(2, 4))
  expect(await totalsOf(again, 2)).toEqual([4, 5])
  expect(await again.subscriptions.status('placed')).toMatchObject({ position: 5, head: 5, lag: 0, state: 'active' })
})

test('events come while it runs, whoever appends them', async () => {
  const { store, schema } = await newStore(database.pool)
  const one = store
  await using other = storeOn(database.pool, schema)
  const seen: number[] = []
  startRun(one, Placed, ({ event }) => void seen.push(event.data.total))
  await one.events.append('order-1', placed(1, 1))
  await until(() => seen.length === 1)
  await other.events.append('order-1', placed(1, 2))
  await until(() => seen.length === 2)
  expect(seen).toEqual([1, 2])
})

test('what a delivery tells: the event, the first attempt, a key for this subscription and group alone', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1), { headers: { user: 'ada' } })
  const keys: string[] = []
  for (const group of [undefined, 'eu']) {
    const stop = new AbortController()
    await store.subscriptions.run(
      Orders,
      ({ event, key, attempt, signal }) => {
        expect(event).toMatchObject({ streamId: 'order-1', version: 1, position: 1, headers: { user: 'ada' } })
        expect({ attempt, aborted: signal.aborted }).toEqual({ attempt: 1, aborted: false })
        expect(key).toContain(event.id)
        keys.push(key)
        stop.abort()
      },
      { group, signal: stop.signal },
    )
  }
  expect(new Set(keys).size).toBe(2)
})

test('no two consumers make the same key, whatever their names', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const consumers = [['a/b'], ['a', 'b'], ['a%2Fb'], ['a%', '2Fb'], ['a%/2Fb'], ['a', 'b:c'], ['a/b:c']] as const
  const keys: string[] = []
  for (const [name, group] of consumers) {
    const stop = new AbortController()
    const take = ({ key }: { key: string }): void => {
      keys.push(key)
      stop.abort()
    }
    await store.subscriptions.run(defineSubscription(name, { from: [OrderEvents] }), take, {
      group,
      signal: stop.signal,
    })
  }
  expect(new Set(keys).size).toBe(consumers.length)
})

test('streams are handled side by side, one stream never: each in its order', async () => {
  const { store } = await newStore(database.pool)
  const streams = 8
  const each = 30
  for (let n = 1; n <= each; n += 1) {
    await Promise.all(Array.from({ length: streams }, (_, s) => store.events.append(`order-${s}`, placed(1, n))))
  }
  const seen = new Map<string, number[]>()
  const busy = new Set<string>()
  let most = 0
  let overlaps = 0
  const stop = new AbortController()
  await store.subscriptions.run(
    Placed,
    async ({ event }) => {
      if (busy.has(event.streamId)) overlaps += 1
      busy.add(event.streamId)
      most = Math.max(most, busy.size)
      await pause(Math.random() * 3)
      busy.delete(event.streamId)
      const totals = [...(seen.get(event.streamId) ?? []), event.data.total]
      seen.set(event.streamId, totals)
      if ([...seen.values()].every((of) => of.length === each) && seen.size === streams) stop.abort()
    },
    { maxInFlight: 6, signal: stop.signal },
  )
  expect(overlaps).toBe(0)
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(6)
  for (const totals of seen.values()) expect(totals).toEqual(Array.from({ length: each }, (_, n) => n + 1))
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: streams * each })
})

test('an event waits for the one before it in its stream, while another stream goes on', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('slow', placed(2, 1))
  await store.events.append('fast', placed(2, 11))
  const gate = barrier()
  const began: number[] = []
  startRun(
    store,
    Placed,
    async ({ event }) => {
      began.push(event.data.total)
      if (event.data.total === 1) await gate.opened
    },
    { maxInFlight: 10 },
  )
  await until(() => began.length === 3)
  expect(began).toEqual([1, 11, 12])
  // The checkpoint cannot pass the one that is open.
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: 0 })
  gate.open()
  await untilReached(store, 'placed', 4)
  expect(began).toEqual([1, 11, 12, 2])
})

test.each([
  ['beginning', [1, 2, 3, 4]],
  ['now', [4]],
  [2, [3, 4]],
  [0, [1, 2, 3, 4]],
] as const)('started from %s it gives %j', async (startFrom, expected) => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const Late = defineSubscription('late', { from: [OrderEvents], types: ['OrderPlaced'], startFrom })
  const seen: number[] = []
  const run = startRun(store, Late, ({ event }) => void seen.push(event.data.total))
  await until(async () => (await store.subscriptions.list()).length === 1)
  await store.events.append('order-1', placed(1, 4))
  await untilStatus(store, 'late', (status) => status.lag === 0)
  await run.stop()
  expect(seen).toEqual(expected)
})

test('where it starts is asked once: the checkpoint counts from then on', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  expect(await totalsOf(store, 2)).toEqual([1, 2])
  await store.events.append('order-1', placed(1, 3))
  const Later = defineSubscription('placed', { from: [OrderEvents], types: ['OrderPlaced'], startFrom: 'now' })
  const seen: number[] = []
  startRun(store, Later, ({ event }) => void seen.push(event.data.total))
  await until(() => seen.length === 1)
  expect(seen).toEqual([3])
})

const filters: readonly (readonly [what: string, filter: EventFilter, expected: readonly number[]])[] = [
  ['types', { types: ['OrderShipped', 'Noted'] }, [2, 3]],
  ['categories', { categories: ['note'] }, [3]],
  ['stream ids', { streamIds: ['order-1', 'no-such'] }, [1, 2]],
  ['a prefix of stream ids', { streamPrefix: 'order-' }, [1, 2, 4]],
  ['a correlation id', { correlationId: 'c-1' }, [4]],
  ['several conditions, all of which must hold', { types: ['OrderPlaced'], streamPrefix: 'order-2' }, [4]],
]

test.each(filters)('a filter by %s', async (_, filter, expected) => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  await store.events.append('order-1', [{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
  await store.events.append('note-1', [{ type: 'Noted', data: { total: 1 } }])
  await store.events.append('order-2', placed(1), { correlationId: 'c-1' })
  await store.subscriptions.create('filtered', { filter })
  const seen: number[] = []
  const run = startRun(store, 'filtered', ({ event }) => void seen.push(event.position))
  // The checkpoint passes what the filter leaves out, too.
  await untilReached(store, 'filtered', 4)
  await run.stop()
  expect(seen).toEqual(expected)
})

test('a definition selects the types of its families, and what its filter says besides', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  await store.events.append('note-1', [{ type: 'Noted', data: { total: 2 } }])
  await store.events.append('order-2', [{ type: 'OrderShipped', data: { carrier: 'dhl' } }])
  const definitions = [
    [defineSubscription('of-orders', { from: [OrderEvents] }), [1, 3]],
    [defineSubscription('of-both', { from: [OrderEvents, NoteEvents] }), [1, 2, 3]],
    [defineSubscription('of-one-type', { from: [OrderEvents, NoteEvents], types: ['OrderShipped', 'Noted'] }), [2, 3]],
    [defineSubscription('of-one-stream', { from: [OrderEvents], filter: { streamIds: ['order-2'] } }), [3]],
  ] as const
  for (const [definition, expected] of definitions) {
    const seen: number[] = []
    const run = startRun(store, definition as typeof Orders, ({ event }) => void seen.push(event.position))
    await until(async () =>
      (await store.subscriptions.list()).some((of) => of.name === definition.name && of.lag === 0),
    )
    await run.stop()
    expect(seen).toEqual(expected)
  }
})

test('an event that was stored under an older name and form comes under the new one', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  await store.close()
  const Renamed = defineEvents('order', { OrderAccepted: typed<{ amount: number }>() })
  await using later = createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: {
      events: events(
        { order: Renamed },
        {
          upcasters: [
            upcaster({
              from: ['OrderPlaced', 1],
              to: ['OrderAccepted', 2],
              upcast: ({ total }: { total: number }) => ({ amount: total * 100 }),
            }),
          ],
        },
      ),
      subscriptions: subscriptions(),
    },
  })
  const seen: number[] = []
  const Accepted = defineSubscription('accepted', { from: [Renamed] })
  startRun(later, Accepted, ({ event }) => void seen.push(event.data.amount))
  await until(() => seen.length === 2)
  expect(seen).toEqual([100, 200])
})

test('each group has a checkpoint of its own, and what one does is nothing to the other', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  expect(await totalsOf(store, 2)).toEqual([1, 2])
  expect(await totalsOf(store, 1, 'eu')).toEqual([1])
  expect((await store.subscriptions.groups('placed')).map(({ group, position }) => [group, position])).toEqual([
    ['', 2],
    ['eu', 1],
  ])
  expect(await totalsOf(store, 1, 'eu')).toEqual([2])
})

test('pages smaller than the backlog lose nothing and double nothing', async () => {
  const { store } = await newStore(database.pool)
  for (let n = 0; n < 10; n += 1) {
    await store.events.append(`order-${n}`, placed(5, n * 5 + 1))
    await store.events.append('note-1', [{ type: 'Noted', data: { total: 0 } }])
  }
  const seen: number[] = []
  startRun(store, Placed, ({ event }) => void seen.push(event.data.total), { pageSize: 3 })
  await until(() => seen.length >= 50)
  expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
})

test('the signal ends a run after what is in hand; the rest comes the next time', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const gate = barrier()
  const begun: number[] = []
  let finished = 0
  const run = startRun(store, Placed, async ({ event, signal }) => {
    begun.push(event.data.total)
    await gate.opened
    expect(signal.aborted).toBe(false)
    finished += 1
  })
  await until(() => begun.length === 1)
  const stopped = run.stop()
  gate.open()
  await stopped
  expect({ begun, finished }).toEqual({ begun: [1], finished: 1 })
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: 1, partitions: [{ worker: undefined }] })
  expect(await totalsOf(store, 2)).toEqual([2, 3])
})

test('what is in hand may take the grace, and is then told to end; it comes again', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  let told: unknown
  const began = barrier()
  const run = startRun(
    store,
    Placed,
    ({ signal }) =>
      new Promise((_, reject) => {
        began.open()
        signal.addEventListener('abort', () => {
          told = signal.reason
          reject(new Error('ended'))
        })
      }),
    { grace: 1 },
  )
  await began.opened
  await run.stop()
  expect(told).toMatchObject({ name: 'AbortError' })
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
  expect(await totalsOf(store, 1)).toEqual([1])
})

test('a signal that is aborted already gives nothing', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  let calls = 0
  await store.subscriptions.run(Placed, () => void (calls += 1), { signal: AbortSignal.abort() })
  expect(calls).toBe(0)
})

test('closing the store ends its runs, after what they have in hand', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  const gate = barrier()
  const began = barrier()
  const run = startRun(store, Placed, async () => {
    began.open()
    await gate.opened
  })
  const idle = startRun(store, Orders, () => undefined)
  await began.opened
  await untilStatus(store, 'orders', (status) => status.lag === 0)
  const closed = store.close()
  gate.open()
  await closed
  await Promise.all([run.ended, idle.ended])
  await using again = storeOn(database.pool, schema)
  expect(await again.subscriptions.status('placed')).toMatchObject({ position: 1, partitions: [{ worker: undefined }] })
  expect(await rejectionOf(store.subscriptions.run(Placed, () => undefined))).toMatchObject({ code: 'InvalidState' })
})

test('before sync there is no table, and every call says so', async () => {
  await using store = storeOn(database.pool, 'never_made')
  const signal = AbortSignal.timeout(60_000)
  const missing = { code: 'SchemaMissing' }
  expect(await rejectionOf(store.subscriptions.run(Placed, () => undefined, { signal }))).toMatchObject(missing)
  expect(await rejectionOf(store.subscriptions.list())).toMatchObject(missing)
  expect(await rejectionOf(store.subscriptions.create('x'))).toMatchObject(missing)
  const iterator = store.subscriptions.open(Placed, { signal })[Symbol.asyncIterator]()
  expect(await rejectionOf(iterator.next())).toMatchObject(missing)
})

test("a lost connection in a handler is nobody's fault: it comes again, and is no dead letter", async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(2))
  let left = 4
  const seen: number[] = []
  startRun(
    store,
    Placed,
    async ({ event }) => {
      if (event.data.total === 1 && left > 0) {
        left -= 1
        await store.transaction(async (tx) => {
          await tx.sql`select pg_terminate_backend(pg_backend_pid())`
        })
      }
      seen.push(event.data.total)
    },
    { retry: { attempts: 1 } },
  )
  await until(() => seen.length === 2)
  expect(seen).toEqual([1, 2])
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
})
