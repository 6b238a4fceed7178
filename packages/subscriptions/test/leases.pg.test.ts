import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { recordingLogger } from './support/recording-logger.js'
import { eagerLease, nimbleLease, quick, shortLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached, untilStatus } from './support/until-status.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase({ max: 30 })

test('of several workers one works; it hands over when it ends, and the next goes on behind it', async () => {
  const { store, schema } = await newStore(database.pool)
  const one = store
  await using two = storeOn(database.pool, schema)
  await one.events.append('order-1', placed(2))
  const by: string[] = []
  const first = startRun(one, Placed, ({ event }) => void by.push(`one ${event.data.total}`), { lease: eagerLease })
  await untilReached(one, 'placed', 2)
  startRun(two, Placed, ({ event }) => void by.push(`two ${event.data.total}`), {
    lease: eagerLease,
  })
  await one.events.append('order-1', placed(2, 3))
  await untilReached(one, 'placed', 4)
  await first.stop()
  // The lease would last for a minute still: it was released.
  await one.events.append('order-1', placed(1, 5))
  await untilReached(one, 'placed', 5)
  expect(by).toEqual(['one 1', 'one 2', 'one 3', 'one 4', 'two 5'])
})

test('a worker that cannot renew its lease is replaced, and is told', async () => {
  const { store, schema } = await newStore(database.pool)
  const one = store
  const { logger, lines } = recordingLogger()
  const pool = new WatchedPool(database.pool)
  await using cut = storeOn(pool, schema, { logger })
  await one.events.append('order-1', placed(2))
  const began = barrier()
  let reason: unknown
  startRun(
    cut,
    Placed,
    ({ signal }) =>
      new Promise((_, reject) => {
        began.open()
        signal.addEventListener('abort', () => {
          reason = signal.reason
          reject(signal.reason as Error)
        })
      }),
    { lease: shortLease },
  )
  await began.opened
  // It reaches the database no more, for leases at least.
  pool.fail(/renew_leases|claim_leases|release_lease/)
  const seen: number[] = []
  startRun(one, Placed, ({ event }) => void seen.push(event.data.total), { lease: nimbleLease })
  await untilReached(one, 'placed', 2)
  expect(seen).toEqual([1, 2])
  await until(() => reason !== undefined)
  expect(reason).toMatchObject({ code: 'LeaseLost' })
  await until(() => lines.some(({ message }) => message === 'a lease was lost'))
  const logged = new Set(lines.map(({ level, message }) => `${level}: ${message}`))
  expect(logged).toContain('warn: leases could not be renewed; trying again')
  await until(() => lines.some(({ message }) => message === 'no lease could be looked for; trying again'))
  expect(lines.some(({ message }) => message === 'a lease could not be released; it ends by itself')).toBe(true)
  expect(await one.subscriptions.deadLetters.list()).toEqual([])
})

test('an answer that is lost on the way loses no lease: the next renewal tells that it is held still', async () => {
  const { store, schema } = await newStore(database.pool)
  const pool = new WatchedPool(database.pool)
  const { logger, lines } = recordingLogger()
  await using cut = storeOn(pool, schema, { logger })
  const seen: number[] = []
  startRun(cut, Placed, ({ event }) => void seen.push(event.data.total), { lease: nimbleLease })
  await untilStatus(store, 'placed', ({ partitions }) => partitions[0]?.worker !== undefined)
  const { partitions } = await store.subscriptions.status('placed')
  pool.fail(/renew_leases/)
  await until(() => lines.some(({ message }) => message.startsWith('leases could not be renewed')))
  pool.fail(undefined)
  await cut.events.append('order-1', placed(1))
  await until(() => seen.length === 1)
  // By one worker, whether it kept the lease or took it again.
  expect((await store.subscriptions.status('placed')).partitions[0]?.worker).toBe(partitions[0]?.worker)
})

test('two workers, two stores and two runs of one store are each a worker of its own', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create(Placed, { partitions: 2 })
  startRun(store, Placed, () => undefined, { lease: nimbleLease })
  startRun(store, Placed, () => undefined, { lease: nimbleLease })
  await untilStatus(store, 'placed', ({ partitions }) => {
    const workers = new Set(partitions.map(({ worker }) => worker))
    return workers.size === 2 && !workers.has(undefined)
  })
  expect((await store.subscriptions.status('placed')).partitions).toHaveLength(2)
})

test('trouble with the database delays more and more, and loses and doubles nothing', async () => {
  const { store, schema } = await newStore(database.pool)
  const pool = new WatchedPool(database.pool)
  const { logger, lines } = recordingLogger()
  await using cut = storeOn(pool, schema, { logger })
  await store.events.append('order-1', placed(1))
  pool.fail(/acknowledge/)
  const seen: number[] = []
  startRun(cut, Placed, ({ event }) => void seen.push(event.data.total), { lease: eagerLease })
  const interrupted = (): number => lines.filter(({ message }) => message.startsWith('a worker was interrupted')).length
  const start = performance.now()
  await until(() => interrupted() === 5)
  // 100, 200, 400 and 800 ms lie between five: a timer may be late, and never comes early.
  expect(performance.now() - start).toBeGreaterThan(1_400)
  pool.fail(undefined)
  await untilReached(store, 'placed', 1)
  expect(seen.length).toBeGreaterThan(1)
  expect(new Set(seen)).toEqual(new Set([1]))
})

test.each(['40P01', '57014', '55P03', '40001'])(
  'a checkpoint that PostgreSQL refuses with %s is told again',
  async (code) => {
    const { store, schema } = await newStore(database.pool)
    await store.events.append('order-1', placed(1))
    let left = 2
    await using cut = storeOn(
      {
        async connect() {
          const client = await database.pool.connect()
          return Object.assign(Object.create(client) as typeof client, {
            query: (config: { text: string }) => {
              const refused = left > 0 && /rillflow:(claim_leases|acknowledge)/.test(config.text)
              if (!refused) return client.query(config)
              left -= 1
              return Promise.reject(Object.assign(new Error('refused'), { code }))
            },
            release: (destroy?: Error | boolean) => client.release(destroy),
          })
        },
      },
      schema,
    )
    startRun(cut, Placed, () => undefined, { lease: eagerLease })
    await untilReached(store, 'placed', 1)
    expect(left).toBe(0)
    expect(await store.subscriptions.deadLetters.list()).toEqual([])
  },
)

test('a lease that an operator has ended is no longer worked under when the same worker takes the next one', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create(Placed, { partitions: 2 })
  await store.events.append('order-1', placed(1))
  const began: AbortSignal[] = []
  let running = 0
  let most = 0
  startRun(
    store,
    Placed,
    async ({ signal }) => {
      began.push(signal)
      running += 1
      most = Math.max(most, running)
      if (began.length === 1) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      }
      running -= 1
    },
    // Its renewals are far between: it is the next look that tells.
    { lease: eagerLease, retry: quick },
  )
  await until(() => began.length === 1)
  const idle = (await store.subscriptions.status('placed')).partitions.length - 1
  expect(idle).toBe(1)
  // Another worker takes the idle partition over, so that the first looks for more.
  const two = startRun(store, Placed, () => undefined, { lease: eagerLease })
  await store.subscriptions.resume('placed')
  await two.stop()
  await until(() => began[0]?.aborted === true)
  expect(began[0]?.reason).toMatchObject({ code: 'LeaseLost' })
  await untilReached(store, 'placed', 1)
  expect(most).toBe(1)
})
