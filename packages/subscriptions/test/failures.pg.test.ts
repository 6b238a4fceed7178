import { createStore, singleTenant, typed } from '@rillflow/core'
import { defineEvents, events, upcaster } from '@rillflow/events'
import { defineSubscription, subscriptions } from '@rillflow/subscriptions'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { recordingLogger } from './support/recording-logger.js'
import { rejectionOf } from './support/rejection-of.js'
import { quick, startRun } from './support/start-run.js'
import { newStore, OrderEvents, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached, untilStatus } from './support/until-status.js'

const database = useDatabase({ max: 20 })

test('a handler that throws is tried again, with attempts counted, and succeeds in the end', async () => {
  const { logger, lines } = recordingLogger()
  const { store } = await newStore(database.pool, { logger })
  await store.events.append('order-1', placed(2))
  const attempts: string[] = []
  startRun(
    store,
    Placed,
    ({ event, attempt }) => {
      attempts.push(`${event.data.total}.${attempt}`)
      if (event.data.total === 1 && attempt < 3) throw new TypeError('not yet')
    },
    { retry: quick },
  )
  await until(() => attempts.length === 4)
  expect(attempts).toEqual(['1.1', '1.2', '1.3', '2.1'])
  await untilReached(store, 'placed', 2)
  const { partitions } = await store.subscriptions.status('placed')
  expect(partitions[0]).toMatchObject({
    failing: undefined,
    lastError: { name: 'TypeError', message: 'not yet' },
  })
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
  const warned = lines.filter(({ message }) => message === 'an event failed; it is tried again')
  expect(warned.map(({ level, fields }) => ({ level, fields }))).toEqual([
    { level: 'warn', fields: { err: expect.any(TypeError) as unknown, position: 1, attempts: 1 } },
    { level: 'warn', fields: { err: expect.any(TypeError) as unknown, position: 1, attempts: 2 } },
  ])
})

test('while it waits for its next attempt the status says so; other streams go on', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('bad', placed(1, 1))
  await store.events.append('good', placed(3, 11))
  const seen: number[] = []
  startRun(
    store,
    Placed,
    ({ event }) => {
      if (event.streamId === 'bad') throw new Error('no')
      seen.push(event.data.total)
    },
    { maxInFlight: 4, retry: { delay: 3_600_000, maxDelay: 3_600_000 } },
  )
  await until(() => seen.length === 3)
  await untilStatus(store, 'placed', (status) => status.partitions[0]?.failing !== undefined)
  const [partition] = (await store.subscriptions.status('placed')).partitions
  expect(partition).toMatchObject({ position: 0, failing: { position: 1, attempts: 1 }, lastError: { message: 'no' } })
  expect(partition?.failing?.wait).toBeGreaterThan(1_000_000)
})

test('attempts and the pause between them survive a restart', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const attempts: number[] = []
  const fail = ({ attempt }: { attempt: number }): void => {
    attempts.push(attempt)
    throw new Error('no')
  }
  const patient = { attempts: 3, delay: 3_600_000, maxDelay: 3_600_000 }
  const first = startRun(store, Placed, fail, { retry: patient })
  await untilStatus(store, 'placed', (status) => status.partitions[0]?.failing?.attempts === 1)
  await first.stop()
  await store.close()

  await using again = storeOn(database.pool, schema)
  const second = startRun(again, Placed, fail, { retry: patient })
  // It has the lease, and stands in the pause that the first has begun.
  await untilStatus(again, 'placed', (status) => status.partitions[0]?.worker !== undefined)
  await second.stop()
  expect(attempts).toEqual([1])
  await database.query(`update "${schema}".consumers set backoff_until = now()`)
  startRun(again, Placed, fail, { retry: { attempts: 3, delay: 1 } })
  await until(async () => (await again.subscriptions.deadLetters.list()).length === 1)
  expect(attempts).toEqual([1, 2, 3])
  expect(await again.subscriptions.deadLetters.list()).toMatchObject([{ attempts: 3 }])
})

test('parked: what failed for good and what comes behind it in its stream; the rest flows on', async () => {
  const { logger, lines } = recordingLogger()
  const { store } = await newStore(database.pool, { logger })
  for (let n = 1; n <= 3; n += 1) {
    await store.events.append('bad', placed(1, n))
    await store.events.append('good', placed(1, 10 + n))
  }
  const seen: number[] = []
  startRun(
    store,
    Placed,
    ({ event }) => {
      if (event.streamId === 'bad') throw new RangeError(`no ${event.data.total}`)
      seen.push(event.data.total)
    },
    { retry: { attempts: 2, delay: 1 } },
  )
  await untilReached(store, 'placed', 6)
  expect(seen).toEqual([11, 12, 13])
  const letters = await store.subscriptions.deadLetters.list('placed')
  const [failed] = letters
  expect(failed).toMatchObject({
    name: 'placed',
    group: '',
    position: 1,
    streamId: 'bad',
    type: 'OrderPlaced',
    parks: true,
    waiting: false,
    attempts: 2,
    error: { name: 'RangeError', message: 'no 1' },
    requeued: false,
    createdAt: expect.any(Date) as unknown,
  })
  expect(letters.slice(1)).toMatchObject([
    { position: 3, waiting: true, attempts: 0, error: undefined },
    { position: 5, waiting: true, attempts: 0, error: undefined },
  ])
  expect(await store.subscriptions.status('placed')).toMatchObject({ deadLetters: { failed: 1, waiting: 2 } })
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'an event failed for good; it is a dead letter now', fields: { position: 1, attempts: 2 } },
  ])
})

test('an event that comes later to a parked stream waits too, after a restart as well', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('bad', placed(1))
  const fail = (): void => {
    throw new Error('no')
  }
  const run = startRun(store, Placed, fail, { retry: { attempts: 1 } })
  await untilReached(store, 'placed', 1)
  await run.stop()
  await store.close()
  await using again = storeOn(database.pool, schema)
  await again.events.append('bad', placed(1, 2))
  const seen: number[] = []
  startRun(again, Placed, ({ event }) => void seen.push(event.data.total))
  await untilReached(again, 'placed', 2)
  expect(seen).toEqual([])
  expect(await again.subscriptions.status('placed')).toMatchObject({ deadLetters: { failed: 1, waiting: 1 } })
})

test('deadLetter puts the event alone aside: the next one of its stream is handled', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('bad', placed(3))
  const seen: number[] = []
  startRun(
    store,
    Placed,
    ({ event }) => {
      if (event.data.total === 2) throw new Error('no')
      seen.push(event.data.total)
    },
    { retry: quick, onFailure: 'deadLetter' },
  )
  await untilReached(store, 'placed', 3)
  expect(seen).toEqual([1, 3])
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([{ position: 2, parks: false, waiting: false }])
})

test('stop ends the run with ConsumerStopped, and nobody goes on until it is resumed', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const cause = new Error('no')
  const seen: number[] = []
  let broken = true
  const handle = ({ event }: { event: { data: { total: number } } }): void => {
    if (broken && event.data.total === 2) throw cause
    seen.push(event.data.total)
  }
  const options = { retry: quick, onFailure: 'stop' } as const
  const error = await rejectionOf(startRun(store, Placed, handle, options).ended)
  expect(error).toMatchObject({ code: 'ConsumerStopped', position: 2, cause, consumer: 'subscription "placed"' })
  expect(await store.subscriptions.status('placed')).toMatchObject({
    state: 'stopped',
    position: 1,
    partitions: [{ state: 'stopped', worker: undefined, lastError: { message: 'no' } }],
    deadLetters: { failed: 0, waiting: 0 },
  })
  broken = false
  startRun(store, Placed, handle, { ...options, lease: { poll: 10 } })
  await store.subscriptions.resume('placed')
  await until(() => seen.length === 3)
  expect(seen).toEqual([1, 2, 3])
  expect(await store.subscriptions.status('placed')).toMatchObject({ state: 'active' })
})

test('stopped, it skips the event by a reset to its position', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(3))
  const seen: number[] = []
  const handle = ({ event }: { event: { data: { total: number } } }): void => {
    if (event.data.total === 2) throw new Error('no')
    seen.push(event.data.total)
  }
  const options = { retry: { attempts: 1 }, onFailure: 'stop' } as const
  const error = await rejectionOf(startRun(store, Placed, handle, options).ended)
  await store.subscriptions.reset('placed', (error as { position: number }).position)
  await store.subscriptions.resume('placed')
  startRun(store, Placed, handle, options)
  await until(() => seen.length === 2)
  expect(seen).toEqual([1, 3])
})

test('stop in one stream lets what is in hand in the others finish', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('good', placed(1, 1))
  await store.events.append('bad', placed(1, 2))
  const failed = barrier()
  let finished = false
  const run = startRun(
    store,
    Placed,
    async ({ event }) => {
      if (event.streamId === 'bad') {
        failed.open()
        throw new Error('no')
      }
      await failed.opened
      await untilStatus(store, 'placed', (status) => status.state === 'stopped')
      finished = true
    },
    { retry: { attempts: 1 }, onFailure: 'stop', maxInFlight: 2 },
  )
  expect(await rejectionOf(run.ended)).toMatchObject({ code: 'ConsumerStopped', position: 2 })
  expect(finished).toBe(true)
  expect(await store.subscriptions.status('placed')).toMatchObject({ position: 1 })
})

test('an event whose type is in no family is put aside like one that fails, and handled when somebody knows it', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.subscriptions.create('everything', { filter: { streamPrefix: 's-' } })
  await store.events.append('s-1', placed(1, 1))
  const Strange = defineEvents('strange', { Appeared: typed<{ total: number }>() })
  await using other = createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: { events: events({ strange: Strange, order: OrderEvents }), subscriptions: subscriptions() },
  })
  await other.events.append('s-1', [{ type: 'Appeared', data: { total: 2 } }])
  await store.events.append('s-1', placed(1, 3))
  await store.events.append('s-2', placed(1, 4))
  const seen: number[] = []
  const take = ({ event }: { event: { data: unknown } }): void =>
    void seen.push((event.data as { total: number }).total)
  const run = startRun(store, 'everything', take, { retry: quick })
  await untilReached(store, 'everything', 4)
  await run.stop()
  expect(seen).toEqual([1, 4])
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([
    { position: 2, type: 'Appeared', attempts: 3, waiting: false, error: { code: 'UnknownEventType' } },
    { position: 3, type: 'OrderPlaced', waiting: true },
  ])
  await store.close()
  await other.subscriptions.deadLetters.requeueAll('everything')
  startRun(other, 'everything', take)
  await until(() => seen.length === 4)
  expect(seen).toEqual([1, 4, 2, 3])
})

test('an event that an upcaster cannot read is put aside, and its neighbours are handled', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s-1', placed(1, 1))
  await store.events.append('s-2', placed(1, 2))
  await store.events.append('s-3', placed(1, 3))
  await store.close()
  let broken = true
  const upcast = (data: { total: number }): { total: number } => {
    if (broken && data.total === 2) throw new Error('cannot read it')
    return data
  }
  await using later = storeOn(database.pool, schema, {
    events: { upcasters: [upcaster({ from: ['OrderPlaced', 1], to: ['OrderPlaced', 2], upcast })] },
  })
  const seen: number[] = []
  startRun(later, Placed, ({ event }) => void seen.push(event.data.total), {
    retry: quick,
    lease: { poll: 10 },
  })
  await untilReached(later, 'placed', 3)
  expect(seen).toEqual([1, 3])
  const [letter] = await later.subscriptions.deadLetters.list()
  expect(letter).toMatchObject({ position: 2, attempts: 3, error: { code: 'UpcastFailed' } })
  // Still unreadable: it goes back to where it was.
  await later.subscriptions.deadLetters.requeue(letter?.id ?? '')
  await until(async () => (await later.subscriptions.deadLetters.list())[0]?.attempts === 4)
  broken = false
  await later.subscriptions.deadLetters.requeue(letter?.id ?? '')
  await until(() => seen.length === 3)
  expect(seen).toEqual([1, 3, 2])
})

test('a policy that leaves out what is unknown leaves it out here too, without a dead letter', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.subscriptions.create('everything')
  await store.events.append('s-1', [{ type: 'Noted', data: { total: 1 } }])
  await store.events.append('s-1', placed(1, 2))
  await store.close()
  await using narrow = createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: { events: events({ order: OrderEvents }, { unknownTypes: 'skip' }), subscriptions: subscriptions() },
  })
  const seen: number[] = []
  startRun(narrow, 'everything', ({ event }) => void seen.push(event.position))
  await untilReached(narrow, 'everything', 2)
  expect(seen).toEqual([2])
  expect(await narrow.subscriptions.deadLetters.list()).toEqual([])
})

test('a handler that takes too long is told, and the attempt counts as failed', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1))
  const reasons: unknown[] = []
  startRun(
    store,
    Placed,
    ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(new Error('ended'))
        })
      }),
    { timeout: 5, retry: { attempts: 2, delay: 1 } },
  )
  await until(async () => (await store.subscriptions.deadLetters.list()).length === 1)
  expect(reasons).toHaveLength(2)
  expect(reasons[0]).toMatchObject({ code: 'HandlerTimeout', message: expect.stringContaining('5 ms') as unknown })
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([{ attempts: 2 }])
})

test('a handler that does not heed its signal is left behind, and holds nobody', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('stuck', placed(1, 1))
  await store.events.append('good', placed(1, 2))
  const never = barrier()
  const seen: number[] = []
  const run = startRun(
    store,
    Placed,
    async ({ event }) => {
      if (event.streamId === 'stuck') await never.opened
      seen.push(event.data.total)
    },
    { timeout: 5, retry: { attempts: 1 } },
  )
  await until(() => seen.length === 1)
  expect(seen).toEqual([2])
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([
    { position: 1, error: { code: 'HandlerTimeout' } },
  ])
  // Nor does it hold the end of the run.
  await run.stop()
  never.open()
})

test('whatever a handler throws makes a dead letter: nothing, text, a huge message, what PostgreSQL cannot hold', async () => {
  const { store } = await newStore(database.pool)
  const thrown: readonly unknown[] = [
    undefined,
    null,
    'text',
    0,
    new Error('x'.repeat(5_000_000)),
    new Error('nul \0 and half a pair \uD800'),
    Object.create(null),
    Object.assign(new Error('code'), { code: 'E\0' }),
  ]
  for (let n = 0; n < thrown.length; n += 1) await store.events.append(`order-${n}`, placed(1, n))
  startRun(
    store,
    Placed,
    ({ event }) => {
      throw thrown[event.data.total]
    },
    { retry: { attempts: 2, delay: 0 } },
  )
  await untilReached(store, 'placed', thrown.length)
  const letters = await store.subscriptions.deadLetters.list()
  expect(letters.map(({ error }) => error?.message.slice(0, 10))).toEqual([
    'undefined',
    'null',
    'text',
    '0',
    'xxxxxxxxxx',
    'nul \uFFFD and ',
    'something ',
    'code',
  ])
  for (const { error } of letters) expect(error?.message.length).toBeLessThanOrEqual(2_000)
})

test("an SQL error in a handler's transaction does not take its dead letter with it", async () => {
  const { store, schema } = await newStore(database.pool)
  await database.query(`create table "${schema}".effects (total int primary key)`)
  await store.events.append('order-1', placed(1))
  startRun(
    store,
    Placed,
    (delivery) =>
      store.transaction(async (tx) => {
        await tx.subscriptions.ack(delivery)
        await tx.sql`select 1 / 0`
      }),
    { retry: { attempts: 2, delay: 1 } },
  )
  await until(async () => (await store.subscriptions.deadLetters.list()).length === 1)
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([
    { position: 1, attempts: 2, error: { code: 'DatabaseError' } },
  ])
  await untilReached(store, 'placed', 1)
})

test('the options of a definition that name nothing are refused before it runs', async () => {
  const { store } = await newStore(database.pool)
  const Empty = defineSubscription('empty', { from: [OrderEvents], filter: { streamIds: [] } })
  expect(await rejectionOf(store.subscriptions.run(Empty, () => undefined))).toMatchObject({ code: 'InvalidArgument' })
  expect(await store.subscriptions.list()).toEqual([])
})
