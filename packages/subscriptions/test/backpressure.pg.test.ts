import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { barrier, type Barrier } from './support/barrier.js'
import { rejectionOf } from './support/rejection-of.js'
import { nimbleLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, type TestStore } from './support/test-store.js'
import { until } from './support/until.js'
import { untilReached } from './support/until-status.js'

const database = useDatabase({ max: 20 })

/** A store with one event on each of so many streams, and a handler that holds each until it is let go. */
async function newHeld(streams: number) {
  const { store, schema } = await newStore(database.pool)
  for (let n = 1; n <= streams; n += 1) await store.events.append(`order-${n}`, placed(1, n))
  const held: Barrier[] = []
  let running = 0
  let most = 0
  const handle = async (): Promise<void> => {
    const gate = barrier()
    held.push(gate)
    running += 1
    most = Math.max(most, running)
    await gate.opened
    running -= 1
  }
  return { store, schema, held, handle, running: () => running, most: () => most }
}

/** Lets something of another group run from end to end, so that whatever was about to happen has happened. */
async function letOthersRun(store: TestStore, group: string, count: number): Promise<void> {
  let left = count
  const run = startRun(store, Placed, () => void (left -= 1), { group })
  await until(() => left === 0)
  await run.stop()
}

test('exactly maxInFlight are in hand; one more begins when one ends', async () => {
  const { store, held, handle, running, most } = await newHeld(8)
  startRun(store, Placed, handle, { maxInFlight: 3 })
  await until(() => running() === 3)
  await letOthersRun(store, 'first', 8)
  expect(running()).toBe(3)
  held[1]?.open()
  await until(() => held.length === 4)
  await letOthersRun(store, 'second', 8)
  expect({ begun: held.length, most: most() }).toEqual({ begun: 4, most: 3 })
  for (let n = 0; n < 8; n += 1) {
    await until(() => held.length > n)
    held[n]?.open()
  }
  await untilReached(store, 'placed', 8)
  expect(most()).toBe(3)
})

test('one at a time unless told', async () => {
  const { store, held, handle, most } = await newHeld(3)
  startRun(store, Placed, handle)
  for (let n = 0; n < 3; n += 1) {
    await until(() => held.length > n)
    held[n]?.open()
  }
  await untilReached(store, 'placed', 3)
  expect(most()).toBe(1)
})

test('changed while it runs: more begin although none has ended, and fewer when it is lowered', async () => {
  const { store, schema, held, handle, running, most } = await newHeld(12)
  startRun(store, Placed, handle, { maxInFlight: 2, lease: nimbleLease })
  await until(() => running() === 2)
  await store.subscriptions.setMaxInFlight('placed', 5)
  await until(() => running() === 5)
  expect(most()).toBe(5)
  await store.subscriptions.setMaxInFlight('placed', 1)
  expect(await store.subscriptions.status('placed')).toMatchObject({ maxInFlight: 1 })
  await untilRenewed(schema)
  for (let n = 0; n < 5; n += 1) held[n]?.open()
  await until(() => held.length === 6)
  for (let n = 5; n < 12; n += 1) {
    await until(() => held.length > n)
    expect(running()).toBe(1)
    held[n]?.open()
  }
  await untilReached(store, 'placed', 12)
})

/** Returns when the lease of a consumer has been renewed twice from now: the second has seen what is stored now. */
async function untilRenewed(schema: string): Promise<void> {
  const leaseEnd = async (): Promise<unknown> =>
    (await database.query(`select lease_until::text from "${schema}".consumers where group_name = ''`)).rows[0]
  for (let turn = 0; turn < 2; turn += 1) {
    const before = JSON.stringify(await leaseEnd())
    await until(async () => JSON.stringify(await leaseEnd()) !== before)
  }
}

test('what is stored counts: the option of a later run changes nothing', async () => {
  const { store, handle, running, held } = await newHeld(4)
  await store.subscriptions.create(Placed, { maxInFlight: 2 })
  startRun(store, Placed, handle, { maxInFlight: 4 })
  await until(() => running() === 2)
  await letOthersRun(store, 'other', 4)
  expect(running()).toBe(2)
  for (let n = 0; n < 4; n += 1) {
    await until(() => held.length > n)
    held[n]?.open()
  }
})

test('what is no number of events is refused', async () => {
  const { store } = await newHeld(1)
  await store.subscriptions.create(Placed)
  for (const value of [0, -1, 1.5, 10_001, Number.NaN, '2', null]) {
    const refused = { code: 'InvalidArgument' }
    expect(await rejectionOf(store.subscriptions.setMaxInFlight('placed', value as number))).toMatchObject(refused)
    const run = store.subscriptions.run(Placed, () => undefined, { maxInFlight: value as number, group: 'x' })
    expect(await rejectionOf(run)).toMatchObject(refused)
  }
})
