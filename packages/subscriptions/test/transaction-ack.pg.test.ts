import { SerializationFailureError } from '@rillflow/core'
import type { Delivery } from '@rillflow/subscriptions'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { untilBlocked } from './support/blocked-by.js'
import { addEffect, makeEffects } from './support/effects.js'
import { recordingLogger } from './support/recording-logger.js'
import { rejectionOf } from './support/rejection-of.js'
import { eagerLease, nimbleLease, quick, startRun } from './support/start-run.js'
import { newStore, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached, untilStatus } from './support/until-status.js'

const database = useDatabase({ max: 20 })

/** A store with a table of effects, and some events on one stream. */
async function newEffects(count: number) {
  const { logger, lines } = recordingLogger()
  const made = await newStore(database.pool, { logger })
  const effects = await makeEffects(database.pool, made.schema)
  await made.store.events.append('order-1', placed(count))
  const expire = async (): Promise<void> => {
    await database.query(`update "${made.schema}".consumers set lease_until = now() - interval '1 second'`)
  }
  return { ...made, effects, lines, expire }
}

test('what the transaction writes and the ack are stored together', async () => {
  const { store, schema, effects } = await newEffects(3)
  startRun(store, Placed, (delivery) =>
    store.transaction(async (tx) => {
      await addEffect(tx, schema, delivery.event.data.total)
      await tx.subscriptions.ack(delivery)
      // Nobody else sees either before the commit.
      expect((await effects.read()).length).toBe(delivery.event.data.total - 1)
    }),
  )
  await untilReached(store, 'placed', 3)
  expect(await effects.read()).toEqual([1, 2, 3])
})

test('a transaction that fails takes its ack with it: the event comes again', async () => {
  const { store, schema, effects } = await newEffects(2)
  startRun(
    store,
    Placed,
    (delivery) =>
      store.transaction(async (tx) => {
        await addEffect(tx, schema, delivery.event.data.total)
        await tx.subscriptions.ack(delivery)
        if (delivery.attempt < 3) throw new Error('not yet')
      }),
    { retry: quick },
  )
  await untilReached(store, 'placed', 2)
  expect(await effects.read()).toEqual([1, 2])
})

test('a transaction that is run again acknowledges again', async () => {
  const { store, schema, effects } = await newEffects(1)
  let turns = 0
  startRun(store, Placed, (delivery) =>
    store.transaction(async (tx) => {
      turns += 1
      await addEffect(tx, schema, delivery.event.data.total)
      await tx.subscriptions.ack(delivery)
      if (turns === 1) throw new SerializationFailureError('once more', undefined)
    }),
  )
  await untilReached(store, 'placed', 1)
  expect({ turns, effects: await effects.read() }).toEqual({ turns: 2, effects: [1] })
})

test('taken over between ack and commit: the successor waits for the row, and the effect is there once', async () => {
  const { store, schema, effects, expire } = await newEffects(2)
  await using successor = storeOn(database.pool, schema)
  const gate = barrier()
  const acked = barrier()
  startRun(
    store,
    Placed,
    (delivery) =>
      store.transaction(async (tx) => {
        await addEffect(tx, schema, delivery.event.data.total)
        await tx.subscriptions.ack(delivery)
        acked.open()
        await gate.opened
      }),
    { lease: eagerLease },
  )
  await acked.opened
  const took: number[] = []
  // It looks for the lease all the time, and passes over the row that is locked.
  const second = startRun(
    successor,
    Placed,
    (delivery) =>
      successor.transaction(async (tx) => {
        took.push(delivery.event.data.total)
        await addEffect(tx, schema, delivery.event.data.total)
        await tx.subscriptions.ack(delivery)
      }),
    { lease: eagerLease },
  )
  gate.open()
  await until(async () => (await effects.read()).length >= 2)
  await expire()
  await untilReached(store, 'placed', 2)
  await second.stop()
  expect((await effects.read()).toSorted((one, two) => one - two)).toEqual([1, 2])
})

test('taken over before its ack: the zombie gets LeaseLost, and its effects are gone', async () => {
  const { store, schema, effects, expire } = await newEffects(2)
  await using successor = storeOn(database.pool, schema)
  const written = barrier()
  const gate = barrier()
  const refusals: unknown[] = []
  const zombie = startRun(
    store,
    Placed,
    async (delivery) => {
      const work = store.transaction(async (tx) => {
        await addEffect(tx, schema, delivery.event.data.total * 100)
        written.open()
        await gate.opened
        await tx.subscriptions.ack(delivery)
      })
      refusals.push(await rejectionOf(work))
      await work
    },
    { lease: { duration: 60_000, poll: 3_600_000 } },
  )
  await written.opened
  await expire()
  startRun(
    successor,
    Placed,
    (delivery) =>
      successor.transaction(async (tx) => {
        await addEffect(tx, schema, delivery.event.data.total)
        await tx.subscriptions.ack(delivery)
      }),
    { lease: eagerLease },
  )
  await untilReached(successor, 'placed', 2)
  gate.open()
  await until(() => refusals.length === 1)
  expect(refusals).toMatchObject([{ code: 'LeaseLost', consumer: 'subscription "placed"', retryable: true }])
  await zombie.stop()
  expect(await effects.read()).toEqual([1, 2])
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
})

test("in a transaction of the caller's own client its COMMIT decides", async () => {
  const { store, schema, effects } = await newEffects(2)
  let rolledBack = false
  const errors: unknown[] = []
  startRun(
    store,
    Placed,
    async (delivery) => {
      const client = await database.pool.connect()
      try {
        await client.query('begin')
        await store.transaction({ client }, async (tx) => {
          await addEffect(tx, schema, delivery.event.data.total)
          await tx.subscriptions.ack(delivery)
        })
        if (!rolledBack) {
          rolledBack = true
          await client.query('rollback')
        } else await client.query('commit')
      } catch (error) {
        errors.push(error)
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    },
    { retry: quick },
  )
  await untilReached(store, 'placed', 2)
  // Rolled back, the handler has returned all the same: that is an attempt that failed, and no ack.
  expect(await effects.read()).toEqual([1, 2])
  expect(errors).toEqual([])
  const { partitions } = await store.subscriptions.status('placed')
  expect(partitions[0]?.lastError).toMatchObject({
    code: 'InvalidState',
    message: expect.stringContaining('has not committed') as unknown,
  })
})

test('one that is not awaited is an attempt that failed, and not an ack', async () => {
  const { store } = await newEffects(1)
  const gate = barrier()
  const open: Promise<unknown>[] = []
  startRun(
    store,
    Placed,
    async (delivery) => {
      const written = barrier()
      if (delivery.attempt > 1) return
      open.push(
        store
          .transaction(async (tx) => {
            await tx.subscriptions.ack(delivery)
            written.open()
            await gate.opened
            throw new Error('after all not')
          })
          .catch(() => undefined),
      )
      await written.opened
    },
    { retry: quick },
  )
  await until(() => open.length === 1)
  await untilBlocked(database.pool)
  gate.open()
  await Promise.all(open)
  await untilReached(store, 'placed', 1)
  const { partitions } = await store.subscriptions.status('placed')
  expect(partitions[0]?.lastError).toMatchObject({ code: 'InvalidState' })
})

test('refused before earlier events are acknowledged', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('order-1', placed(1, 1))
  await store.events.append('order-2', placed(1, 2))
  const gate = barrier()
  const refusals: unknown[] = []
  startRun(
    store,
    Placed,
    async (delivery) => {
      if (delivery.event.data.total === 1) return gate.opened
      refusals.push(await rejectionOf(store.transaction((tx) => tx.subscriptions.ack(delivery))))
      gate.open()
    },
    { maxInFlight: 2 },
  )
  await until(() => refusals.length === 1)
  expect(refusals).toMatchObject([
    { code: 'InvalidState', message: expect.stringContaining('earlier events are not acknowledged') as unknown },
  ])
  await untilReached(store, 'placed', 2)
})

test('refused twice: in one transaction, and after its commit; the event counts as handled all the same', async () => {
  const { store, lines } = await newEffects(1)
  const refusals: unknown[] = []
  let attempts = 0
  startRun(store, Placed, async (delivery) => {
    attempts += 1
    await store.transaction(async (tx) => {
      await tx.subscriptions.ack(delivery)
      refusals.push(await rejectionOf(tx.subscriptions.ack(delivery)))
    })
    refusals.push(await rejectionOf(store.transaction((tx) => tx.subscriptions.ack(delivery))))
  })
  await untilReached(store, 'placed', 1)
  await until(() => refusals.length === 2)
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'InvalidState' })
  expect(attempts).toBe(1)
  expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
})

test('refused for what is no delivery, a copy of one, and one whose handler has ended', async () => {
  const { store } = await newEffects(1)
  const deliveries: Delivery[] = []
  let copied: unknown
  startRun(store, Placed, async (delivery) => {
    copied = await rejectionOf(store.transaction((tx) => tx.subscriptions.ack({ ...delivery })))
    deliveries.push(delivery)
  })
  await untilReached(store, 'placed', 1)
  expect(copied).toMatchObject({ code: 'InvalidArgument', argument: 'delivery' })
  const foreign: readonly unknown[] = [undefined, null, 'x', {}, { event: {}, key: 'x' }, deliveries[0]]
  for (const each of foreign) {
    const refused = store.transaction((tx) => tx.subscriptions.ack(each as Delivery))
    expect(await rejectionOf(refused)).toMatchObject({ code: 'InvalidArgument', argument: 'delivery' })
  }
})

test('refused in a transaction of another schema, whose checkpoint it would move', async () => {
  const { store } = await newEffects(1)
  const { store: other } = await newEffects(1)
  const stands = barrier()
  const gate = barrier()
  // The same consumer, under the same epoch, in both.
  startRun(other, Placed, async () => {
    stands.open()
    await gate.opened
  })
  await stands.opened
  const refusals: unknown[] = []
  startRun(store, Placed, async (delivery) => {
    refusals.push(await rejectionOf(other.transaction((tx) => tx.subscriptions.ack(delivery))))
    // It is nothing to its own store.
    await store.transaction((tx) => tx.subscriptions.ack(delivery))
  })
  await untilReached(store, 'placed', 1)
  expect(refusals).toMatchObject([{ code: 'InvalidArgument', argument: 'delivery' }])
  expect(await other.subscriptions.status('placed')).toMatchObject({ position: 0 })
  gate.open()
})

test('an attempt that has failed acknowledges nothing any more, whatever it left running', async () => {
  const { store, schema, effects } = await newEffects(2)
  const gate = barrier()
  const late: unknown[] = []
  const seen: string[] = []
  startRun(
    store,
    Placed,
    async (delivery) => {
      seen.push(`${delivery.event.data.total}.${delivery.attempt}`)
      if (delivery.event.data.total !== 1) return
      if (delivery.attempt > 1) return gate.opened
      void (async () => {
        await until(() => seen.includes('1.2'))
        const work = store.transaction(async (tx) => {
          await addEffect(tx, schema, 1)
          await tx.subscriptions.ack(delivery)
        })
        late.push(await rejectionOf(work).catch((error: unknown) => error))
        gate.open()
      })()
      throw new Error('no')
    },
    { retry: quick },
  )
  await untilReached(store, 'placed', 2)
  expect(late).toMatchObject([{ code: 'InvalidArgument' }])
  expect(await effects.read()).toEqual([])
})

test('a handler that fails after its ack has committed has handled the event: it does not come again', async () => {
  const { store, schema, effects, lines } = await newEffects(2)
  const seen: string[] = []
  startRun(
    store,
    Placed,
    async (delivery) => {
      seen.push(`${delivery.event.data.total}.${delivery.attempt}`)
      await store.transaction(async (tx) => {
        await addEffect(tx, schema, delivery.event.data.total)
        await tx.subscriptions.ack(delivery)
      })
      throw new Error('too late')
    },
    { retry: { attempts: 1 } },
  )
  await untilReached(store, 'placed', 2)
  await until(() => lines.filter(({ level }) => level === 'warn').length === 2)
  expect(seen).toEqual(['1.1', '2.1'])
  expect(await effects.read()).toEqual([1, 2])
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
  expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
    'a handler failed after its event was acknowledged',
    'a handler failed after its event was acknowledged',
  ])
})

test('given up between ack and commit, an event is stored with its effect and is no dead letter', async () => {
  const { store, schema, effects } = await newEffects(1)
  const stop = new AbortController()
  const deliveries = store.subscriptions.open(Placed, { ack: 'manual', lease: nimbleLease, signal: stop.signal })
  for await (const delivery of deliveries) {
    await store.transaction(async (tx) => {
      await addEffect(tx, schema, delivery.event.data.total)
      await tx.subscriptions.ack(delivery)
      delivery.nack('no')
      // The dead letter waits for the row that this transaction has.
      await untilBlocked(database.pool)
    })
    await untilReached(store, 'placed', 1)
    // Whoever has the lease now has found the letter refused.
    await untilStatus(store, 'placed', ({ partitions }) => partitions[0]?.worker !== undefined)
    stop.abort()
  }
  expect(await effects.read()).toEqual([1])
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
})

test('a requeued letter is acknowledged in a transaction too: effect and letter go together', async () => {
  const { store, schema, effects } = await newEffects(2)
  let broken = true
  let failures = 1
  const timeouts: unknown[] = []
  startRun(
    store,
    Placed,
    (delivery) =>
      store.transaction(async (tx) => {
        await addEffect(tx, schema, delivery.event.data.total)
        await tx.subscriptions.ack(delivery)
        // A frozen process must not hold the consumer for ever.
        const [row] = await tx.sql<{ value: string }>`
          select current_setting('idle_in_transaction_session_timeout') as value`
        timeouts.push(row?.value)
        if (broken) throw new Error('no')
        if (failures > 0) {
          failures -= 1
          throw new Error('once more')
        }
      }),
    { retry: { attempts: 1 }, lease: nimbleLease },
  )
  await untilReached(store, 'placed', 2)
  broken = false
  await store.subscriptions.deadLetters.requeueAll('placed')
  // It fails again, and goes back with its error; nothing of it is stored.
  await until(async () => (await store.subscriptions.deadLetters.list())[0]?.error?.message === 'once more')
  expect(await effects.read()).toEqual([])
  expect(await store.subscriptions.deadLetters.list()).toMatchObject([
    { position: 1, attempts: 2, requeued: false, waiting: false },
    { position: 2, attempts: 0, requeued: false, waiting: true },
  ])
  await store.subscriptions.deadLetters.requeueAll('placed')
  await until(async () => (await store.subscriptions.deadLetters.list()).length === 0)
  expect(await effects.read()).toEqual([1, 2])
  expect(new Set(timeouts)).toEqual(new Set(['5s']))
})
