import { runInNewContext } from 'node:vm'
import { createStore, isRillflowError, singleTenant, typed, type StandardSchemaV1 } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvents, events, type EventsOptions } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'

const database = useDatabase()

/** A promise that is not an instance of this program's own `Promise`. */
const foreignPromise = runInNewContext('(value) => Promise.resolve(value)') as <Value>(value: Value) => Promise<Value>

/** A schema that answers with a promise of another realm. */
const foreign: StandardSchemaV1<{ n: number }, { n: number; from: string }> = {
  '~standard': {
    version: 1,
    vendor: 'foreign',
    validate: (value) => foreignPromise({ value: { ...(value as { n: number }), from: 'elsewhere' } }),
  },
}

const OrderEvents = defineEvents('order', {
  Placed: z.object({
    lines: z.array(z.object({ sku: z.string(), count: z.number().int().positive() })).min(1),
    currency: z.string().default('EUR'),
    note: z.string().trim().optional(),
  }),
  Checked: z.object({ email: z.string().refine(async (email) => email.includes('@'), 'no address') }),
  Foreign: foreign,
  Shipped: typed<{ carrier: string }>(),
  Broken: z.object({ at: z.string() }).transform(({ at }) => ({ at: new Date(at) })),
})
const OtherEvents = defineEvents('other', { Unheard: typed<{ n: number }>() })

let made = 0

async function newStore(options: EventsOptions = {}) {
  made += 1
  const schema = `validation_${made}`
  const pool = new CountingPool(database.pool)
  const tenancy = singleTenant({ schema })
  const off = { wakeUps: false, ...options }
  const store = createStore({
    connection: { pool },
    tenancy,
    modules: { events: events({ order: OrderEvents }, off) },
  })
  const wider = createStore({
    connection: { pool },
    tenancy,
    modules: { events: events({ order: OrderEvents, other: OtherEvents }, off) },
  })
  await sync(store)
  pool.take()
  return { store, wider, pool }
}

const lines = [{ sku: 'a', count: 1 }]

test('what the schema makes of the data is stored: defaults, trimming, and nothing that it strips', async () => {
  const { store } = await newStore()
  const data = { lines, note: '  hi ', stripped: true }
  await store.events.append('o', [{ type: 'Placed', data }])
  const [event] = await store.events.readStream('o').toArray()
  expect(event?.data).toEqual({ lines, currency: 'EUR', note: 'hi' })
})

test('asynchronous schemas are awaited, whatever promise they answer with, and the order is kept', async () => {
  const { store } = await newStore()
  await store.events.append('o', [
    { type: 'Checked', data: { email: 'a@x' } },
    { type: 'Foreign', data: { n: 1 } },
    { type: 'Shipped', data: { carrier: 'dhl' } },
  ])
  const stored = await store.events.readStream('o').toArray()
  expect(stored.map(({ type, data }) => [type, data])).toEqual([
    ['Checked', { email: 'a@x' }],
    ['Foreign', { n: 1, from: 'elsewhere' }],
    ['Shipped', { carrier: 'dhl' }],
  ])
})

test.each(['store', 'transaction', 'session'] as const)(
  'on the %s, an invalid event stops the whole append',
  async (way) => {
    const { store, pool } = await newStore()
    const list: Parameters<typeof store.events.append>[1] = [
      { type: 'Shipped', data: { carrier: 'dhl' } },
      { type: 'Placed', data: { lines: [...lines, { sku: 'b', count: -1 }], note: 'secret payload' } },
    ]
    const append = async (): Promise<unknown> => {
      if (way === 'store') return store.events.append('o', list)
      if (way === 'transaction') return store.transaction((tx) => tx.events.append('o', list))
      const session = store.session()
      session.events.append('o', list)
      return session.saveChanges()
    }
    const error: unknown = await append().catch((thrown: unknown) => thrown)
    expect(isRillflowError(error, 'ValidationFailed'), String(error)).toBe(true)
    expect(error).toMatchObject({ issues: [{ path: ['lines', 1, 'count'] }], retryable: false })
    expect((error as Error).message).toMatch(/Placed.*lines\.1\.count/)
    expect((error as Error).message).not.toContain('secret')
    expect(pool.take().filter(({ text }) => !/^(begin|rollback)$/.test(text))).toEqual([])
  },
)

test('the issues of an asynchronous schema are told too', async () => {
  const { store } = await newStore()
  await expect(store.events.append('o', [{ type: 'Checked', data: { email: 'x' } }])).rejects.toMatchObject({
    code: 'ValidationFailed',
    issues: [{ path: ['email'], message: 'no address' }],
  })
})

test('what a schema makes must be storable', async () => {
  const { store } = await newStore()
  await expect(store.events.append('o', [{ type: 'Broken', data: { at: '2020-01-01' } }])).rejects.toMatchObject({
    code: 'UnstorableValue',
    path: ['at'],
  })
})

test('a type of no family is refused on append, before anything is sent', async () => {
  const { store, pool } = await newStore()
  for (const type of ['Unheard', 'toString', '__proto__', 'placed']) {
    const list = [{ type, data: {} }] as unknown as [{ type: 'Shipped'; data: { carrier: string } }]
    await expect(store.events.append('o', list)).rejects.toMatchObject({ code: 'UnknownEventType', type })
  }
  expect(pool.take()).toEqual([])
})

test('a stored type of no family stops the reading, and is named with its place', async () => {
  const { store, wider } = await newStore()
  await wider.events.append('o', [
    { type: 'Shipped', data: { carrier: 'dhl' } },
    { type: 'Unheard', data: { n: 1 } },
  ])
  const message = /position 2 .*version 2 of stream "o".*"Unheard"/
  for (const reader of [store.events.readStream('o'), store.events.readAll()]) {
    const error: unknown = await reader.toArray().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'UnknownEventType', type: 'Unheard' })
    expect((error as Error).message).toMatch(message)
  }
  expect(await store.events.readStream('o', { to: 1 }).toArray()).toHaveLength(1)
  expect(await wider.events.readAll().toArray()).toHaveLength(2)
})

test('two families may share one schema of one type, and not two', () => {
  const again = defineEvents('again', { Shipped: OrderEvents.schemas.Shipped })
  const different = defineEvents('different', { Shipped: typed<{ carrier: string }>() })
  expect(() => events({ order: OrderEvents, again })).not.toThrow()
  expect(() => events({ order: OrderEvents, different })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig' }) as Error,
  )
})

test('more than 10,000 events, or too much text, are refused before anything is sent', async () => {
  const { store, pool } = await newStore()
  const many = Array.from({ length: 10_001 }, () => ({ type: 'Shipped' as const, data: { carrier: 'dhl' } }))
  await expect(store.events.append('o', many)).rejects.toMatchObject({ code: 'LimitExceeded' })
  const large = { type: 'Shipped' as const, data: { carrier: 'x'.repeat(1024 * 1024) } }
  const heavy = Array.from({ length: 65 }, () => large)
  await expect(store.events.append('o', heavy)).rejects.toMatchObject({ code: 'LimitExceeded' })
  expect(pool.take()).toEqual([])
})
