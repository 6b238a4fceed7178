import { createStore, singleTenant } from '@rillflow/core'
import { defineEvents, events } from '@rillflow/events'
import { defineSubscription, subscriptions, type RunOptions } from '@rillflow/subscriptions'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { rejectionOf } from './support/rejection-of.js'
import { newStore, OrderEvents, Placed } from './support/test-store.js'

const database = useDatabase()
const names: readonly unknown[] = ['', 'a\0b', '\uD800', 'x'.repeat(201), 7, null, undefined, {}]

test.each<readonly [string, unknown, string]>([
  ['pageSize', { pageSize: 0 }, 'pageSize'],
  ['pageSize', { pageSize: 10_001 }, 'pageSize'],
  ['timeout', { timeout: 0 }, 'timeout'],
  ['timeout', { timeout: 86_400_001 }, 'timeout'],
  ['grace', { grace: -1 }, 'grace'],
  ['onFailure', { onFailure: 'ignore' }, 'onFailure'],
  ['retry', { retry: 3 }, 'retry'],
  ['retry', { retry: null }, 'retry'],
  ['retry.attempts', { retry: { attempts: 0 } }, 'retry.attempts'],
  ['retry.attempts', { retry: { attempts: 1_001 } }, 'retry.attempts'],
  ['retry.delay', { retry: { delay: -1 } }, 'retry.delay'],
  ['retry.maxDelay', { retry: { maxDelay: 1.5 } }, 'retry.maxDelay'],
  ['lease.duration', { lease: { duration: 99 } }, 'lease.duration'],
  ['lease.poll', { lease: { poll: 0 } }, 'lease.poll'],
  ['group', { group: '' }, 'group'],
  ['group', { group: 'a\0' }, 'group'],
])('%s of %j is refused', async (_, options, argument) => {
  const { store } = await newStore(database.pool)
  const refused = { code: 'InvalidArgument', argument }
  expect(await rejectionOf(store.subscriptions.run(Placed, () => undefined, options as RunOptions))).toMatchObject(
    refused,
  )
  const opened = store.subscriptions.open(Placed, options as RunOptions)[Symbol.asyncIterator]()
  expect(await rejectionOf(opened.next())).toMatchObject(refused)
})

test('options that are undefined are as if they were left out', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.run(Placed, () => undefined, {
    group: undefined,
    partitions: undefined,
    maxInFlight: undefined,
    retry: { attempts: undefined, delay: undefined, maxDelay: undefined },
    onFailure: undefined,
    timeout: undefined,
    grace: undefined,
    pageSize: undefined,
    lease: { duration: undefined, poll: undefined },
    signal: AbortSignal.abort(),
  })
  expect(await store.subscriptions.list()).toHaveLength(1)
})

test('what is no name is refused by each call, as a rejection', async () => {
  const { store } = await newStore(database.pool)
  const { subscriptions: api } = store
  for (const name of names) {
    const calls = [
      () => api.status(name as string),
      () => api.groups(name as string),
      () => api.pause(name as string),
      () => api.resume(name as string),
      () => api.reset(name as string, 0),
      () => api.setMaxInFlight(name as string, 1),
      () => api.repartition(name as string, 1),
      () => api.remove(name as string),
      () => api.create(name as string),
      () => api.run(name as string, () => undefined),
      () => api.deadLetters.requeueAll(name as string),
    ]
    for (const call of calls) expect(await rejectionOf(call())).toMatchObject({ code: 'InvalidArgument' })
  }
})

test.each([undefined, null, 'x', {}])('a handler that is %j is refused, as a rejection', async (handle) => {
  const { store } = await newStore(database.pool)
  const refused = store.subscriptions.run(Placed, handle as () => void)
  expect(await rejectionOf(refused)).toMatchObject({ code: 'InvalidArgument', argument: 'handle' })
})

test.each([-1, 1.5, 'end', Number.NaN, 2 ** 53, null])('to start from %j is refused', async (place) => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create('x')
  const refused = { code: 'InvalidArgument', argument: 'startFrom' }
  expect(await rejectionOf(store.subscriptions.reset('x', place as number))).toMatchObject(refused)
  if (place !== null) {
    expect(await rejectionOf(store.subscriptions.create('y', { startFrom: place as number }))).toMatchObject(refused)
  }
  expect(() => defineSubscription('z', { from: [OrderEvents], startFrom: place as number })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig' }) as Error,
  )
})

describe('a definition is refused', () => {
  const definitions: readonly (readonly [string, unknown, string])[] = [
    ['without families', { from: [] }, 'InvalidConfig'],
    ['with a family that is no list', { from: OrderEvents }, 'InvalidConfig'],
    ['with no types', { from: [OrderEvents], types: [] }, 'InvalidConfig'],
    ['with a type of none of its families', { from: [OrderEvents], types: ['Noted'] }, 'InvalidConfig'],
    ['with types in its filter', { from: [OrderEvents], filter: { types: ['OrderPlaced'] } }, 'InvalidConfig'],
    ['with a start that is none', { from: [OrderEvents], startFrom: 'end' }, 'InvalidConfig'],
  ]
  test.each(definitions)('%s', (_, options, code) => {
    expect(() => defineSubscription('x', options as { from: [typeof OrderEvents] })).toThrow(
      expect.objectContaining({ code }) as Error,
    )
  })

  test.each(names)('under the name %j', (name) => {
    expect(() => defineSubscription(name as string, { from: [OrderEvents] })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument', argument: 'name' }) as Error,
    )
  })

  test('with families that have no types', () => {
    expect(() => defineSubscription('x', { from: [defineEvents('empty', {})] })).toThrow(
      expect.objectContaining({ code: 'InvalidConfig' }) as Error,
    )
  })
})

test('the module needs that of events, in either order', async () => {
  const connection = { pool: { connect: () => database.pool.connect() } }
  const tenancy = singleTenant({ schema: 'modules' })
  expect(() => createStore({ connection, tenancy, modules: { subscriptions: subscriptions() } })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig' }) as Error,
  )
  const modules = { subscriptions: subscriptions(), events: events({ order: OrderEvents }) }
  await using store = createStore({ connection, tenancy, modules })
  expect(await rejectionOf(store.subscriptions.list())).toMatchObject({ code: 'SchemaMissing' })
})
