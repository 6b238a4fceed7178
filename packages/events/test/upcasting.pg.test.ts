import { createStore, singleTenant, typed, type Module, type SingleStore } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  defineEvents,
  events,
  upcaster,
  type EventReader,
  type EventsOptions,
  type EventsShape,
  type ReadAllOptions,
  type StoredEvent,
} from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'

const database = useDatabase()

/** What the code of the first release had. */
const firstFamilies = {
  order: defineEvents('order', {
    OrderCreated: typed<{ total: number }>(),
    OrderShipped: typed<{ carrier: string }>(),
  }),
}

/** What it has now: renamed, and its data changed twice. */
const families = {
  order: defineEvents('order', {
    OrderPlaced: z.object({ amount: z.number(), currency: z.string(), note: z.string().default('none') }),
    OrderShipped: typed<{ carrier: string }>(),
  }),
}

const upcasters = [
  upcaster({
    from: ['OrderCreated', 1],
    to: ['OrderPlaced', 2],
    upcast: (data: { total: number }) => ({ amount: data.total }),
  }),
  upcaster({
    from: ['OrderPlaced', 2],
    to: ['OrderPlaced', 3],
    upcast: async (data: { amount: number }, event) =>
      Promise.resolve({ ...data, currency: (event.headers['currency'] as string | undefined) ?? 'EUR' }),
  }),
]

type FirstStore = SingleStore<{ readonly events: Module<EventsShape<typeof firstFamilies>> }>
type CurrentStore = SingleStore<{ readonly events: Module<EventsShape<typeof families>> }>

let made = 0
let pool: CountingPool

function open<Families extends typeof families | typeof firstFamilies>(
  given: Families,
  schema: string,
  options: EventsOptions = {},
): SingleStore<{ readonly events: Module<EventsShape<Families>> }> {
  pool = new CountingPool(database.pool)
  return createStore({
    connection: { pool },
    tenancy: singleTenant({ schema }),
    modules: { events: events(given, { wakeUps: false, ...options }) },
  })
}

interface Opened {
  readonly schema: string
  readonly first: FirstStore
  readonly store: CurrentStore
}

async function newStores(options: EventsOptions = {}): Promise<Opened> {
  made += 1
  const schema = `upcasting_${made}`
  const first = open(firstFamilies, schema)
  await sync(first)
  return { schema, first, store: open(families, schema, { upcasters, ...options }) }
}

const created = (total: number): { type: 'OrderCreated'; data: { total: number } } => ({
  type: 'OrderCreated',
  data: { total },
})
const shipped = { type: 'OrderShipped', data: { carrier: 'dhl' } } as const
const placed = { type: 'OrderPlaced', data: { amount: 5, currency: 'USD' } } as const

describe('a stream of all forms', () => {
  let opened: Opened

  beforeAll(async () => {
    opened = await newStores()
    const { first, store, schema } = opened
    await first.events.append('o-1', [created(1), shipped, { ...created(2), headers: { currency: 'CHF' } }])
    await store.events.append('o-1', [placed, shipped])
    await database.query(`select from "${schema}".append($1::jsonb, true, false)`, [
      JSON.stringify([
        [
          'o-2',
          'order',
          -1,
          [['OrderPlaced', 2, { amount: 7 }, null, '018f3c5e-0000-7000-8000-000000000001', null, null]],
        ],
      ]),
    ])
  })

  const newest = [
    { type: 'OrderPlaced', schemaVersion: 3, data: { amount: 1, currency: 'EUR' }, version: 1, streamId: 'o-1' },
    { type: 'OrderShipped', schemaVersion: 1, data: { carrier: 'dhl' }, version: 2 },
    { type: 'OrderPlaced', schemaVersion: 3, data: { amount: 2, currency: 'CHF' }, version: 3 },
    { type: 'OrderPlaced', schemaVersion: 3, data: { amount: 5, currency: 'USD', note: 'none' }, version: 4 },
    { type: 'OrderShipped', schemaVersion: 1, version: 5 },
    { type: 'OrderPlaced', schemaVersion: 3, data: { amount: 7, currency: 'EUR' }, version: 1, streamId: 'o-2' },
  ]
  const readers: readonly [string, number, (from: Readers) => EventReader<StoredEvent>][] = [
    ['readStream', 5, (from) => from.readStream('o-1')],
    ['readStream by pages', 5, (from) => from.readStream('o-1', { pageSize: 2 })],
    ['readAll', 6, (from) => from.readAll()],
    ['readAll by pages', 6, (from) => from.readAll({ pageSize: 1 })],
    ['readAll of streams', 6, (from) => from.readAll({ filter: { streamIds: ['o-1', 'o-2'] } })],
  ]
  type Readers = Pick<CurrentStore['events'], 'readStream' | 'readAll'>

  test('a read without metadata gives the newest form too, though an upcaster asks for headers', async () => {
    const bare = newest.slice(0, 5).map(({ type, data, version }) => ({ type, data: data ?? shipped.data, version }))
    const read = await opened.store.events.readStream('o-1', { metadata: false }).toArray()
    expect(read).toEqual(bare.map((event) => ({ ...event, streamId: 'o-1' })))
  })

  test.each(readers)('%s gives the newest form', async (_name, count, read) => {
    const expected = newest.slice(0, count)
    expect(await read(opened.store.events).toArray()).toMatchObject(expected)
    expect(await collect(read(opened.store.events))).toMatchObject(expected)
    await opened.store.transaction(async (tx) => {
      expect(await read(tx.events).toArray()).toMatchObject(expected)
      expect(await collect(read(tx.events))).toMatchObject(expected)
    })
  })

  test('backward too', async () => {
    const back = await opened.store.events.readAll({ direction: 'backward', pageSize: 4 }).toArray()
    expect(back).toMatchObject(newest.toReversed())
  })

  test('what is stored stays as it was, and what is new has the newest version', async () => {
    const { rows } = await database.query(
      `select type, schema_version from "${opened.schema}".events order by position`,
    )
    expect(rows).toEqual([
      { type: 'OrderCreated', schema_version: 1 },
      { type: 'OrderShipped', schema_version: 1 },
      { type: 'OrderCreated', schema_version: 1 },
      { type: 'OrderPlaced', schema_version: 3 },
      { type: 'OrderShipped', schema_version: 1 },
      { type: 'OrderPlaced', schema_version: 2 },
    ])
  })

  test('validated on read when asked', async () => {
    const { store } = opened
    const stream = await store.events.readStream('o-1', { validate: true }).toArray()
    expect(stream[0]?.data).toEqual({ amount: 1, currency: 'EUR', note: 'none' })
    const feed = await store.events.readAll({ validate: true }).toArray()
    expect(feed.at(-1)?.data).toEqual({ amount: 7, currency: 'EUR', note: 'none' })
    expect((await store.events.readStream('o-1').toArray())[0]?.data).toEqual({ amount: 1, currency: 'EUR' })
  })

  type Filter = ReadAllOptions<'OrderPlaced' | 'OrderShipped'>['filter']
  const filters: readonly (readonly [Filter, readonly number[]])[] = [
    [{ types: ['OrderPlaced'] }, [1, 2, 5, 7]],
    [{ types: ['OrderPlaced', 'OrderShipped'] }, [1, 0, 2, 5, 0, 7]],
    [{ types: ['OrderShipped'] }, [0, 0]],
    [{ types: ['OrderPlaced'], streamIds: ['o-1'] }, [1, 2, 5]],
    [
      [{ types: ['OrderPlaced'], streamIds: ['o-2'] }, { types: ['OrderShipped'] }],
      [0, 0, 7],
    ],
  ]

  describe.each(['no index', 'type'] as const)('a filter by type (%s)', (indexed) => {
    test.each(filters)('%j', async (filter, amounts) => {
      const options = indexed === 'type' ? { upcasters, indexes: ['type'] as const } : { upcasters }
      const store = open(families, opened.schema, options)
      await sync(store)
      for (const pageSize of [1, 500]) {
        const found = await collect(store.events.readAll({ filter, pageSize }))
        expect(found.map(({ data }) => (data as { amount?: number }).amount ?? 0)).toEqual(amounts)
      }
    })
  })

  test('reading sends what it would send without upcasters', async () => {
    pool.take()
    const store = open(families, opened.schema, { upcasters })
    await store.events.readStream('o-1').toArray()
    expect(pool.take()).toHaveLength(1)
  })
})

describe('what cannot be read', () => {
  test('a failing upcaster names the event, and the events before it in its page are not lost for the next try', async () => {
    let broken = true
    const shaky = upcaster({
      from: ['OrderCreated', 1],
      to: ['OrderPlaced', 2],
      upcast: (data: { total: number }) => {
        if (broken && data.total === 2) throw new Error('secret')
        return { amount: data.total, currency: 'EUR' }
      },
    })
    const { first, schema } = await newStores()
    const store = open(families, schema, { upcasters: [shaky] })
    await first.events.append('o-1', [created(1), created(2), created(3)])
    const failure = { code: 'UpcastFailed', position: 2, version: 2, streamId: 'o-1', from: ['OrderCreated', 1] }
    await expect(store.events.readStream('o-1').toArray()).rejects.toMatchObject(failure)
    await expect(collect(store.events.readAll())).rejects.toMatchObject(failure)
    broken = false
    expect(await store.events.readAll().toArray()).toHaveLength(3)
  })

  test('events of newer code stop the reading, or are treated as the policy says', async () => {
    const { store, schema, first } = await newStores()
    await store.events.append('o-1', [shipped, placed, shipped])
    const older = open(families, schema, { upcasters: [] })
    const tooNew = { code: 'EventTooNew', type: 'OrderPlaced', schemaVersion: 3, position: 2 }
    await expect(older.events.readStream('o-1').toArray()).rejects.toMatchObject(tooNew)
    await expect(collect(older.events.readAll())).rejects.toMatchObject(tooNew)
    const skipping = open(families, schema, { newerVersions: 'skip' })
    expect((await collect(skipping.events.readAll({ pageSize: 1 }))).map(({ position }) => position)).toEqual([1, 3])
    const passing = open(families, schema, { newerVersions: 'pass' })
    expect(await passing.events.readAll().toArray()).toMatchObject([{}, { ...placed, schemaVersion: 3 }, {}])
    // The first release knows the type not at all, which is another matter.
    await expect(first.events.readStream('o-1').toArray()).rejects.toMatchObject({ code: 'UnknownEventType' })
  })

  test('data that does not fit its schema, only when asked', async () => {
    const { first, store } = await newStores()
    await first.events.append('o-1', [created('x' as unknown as number)])
    expect(await store.events.readStream('o-1').toArray()).toHaveLength(1)
    const failure = { code: 'ValidationFailed' }
    await expect(store.events.readStream('o-1', { validate: true }).toArray()).rejects.toMatchObject(failure)
    await expect(store.events.readAll({ validate: true }).toArray()).rejects.toMatchObject(failure)
  })

  test('an old name cannot be appended any more', async () => {
    const { store } = await newStores()
    const old = created(1) as unknown as typeof placed
    await expect(store.events.append('o-1', [old])).rejects.toMatchObject({ code: 'UnknownEventType' })
  })
})

test('upcasters that make no sense are refused when the module is made', () => {
  const twice = [...upcasters, ...upcasters]
  expect(() => events(families, { upcasters: twice })).toThrow(
    expect.objectContaining({ code: 'InvalidConfig' }) as Error,
  )
})

test('the store shows its upcasters', async () => {
  const { store } = await newStores()
  expect(store.events.upcasters.list()).toEqual(upcasters.map(({ from, to }) => ({ from, to })))
  expect(store.events.upcasters.path('OrderCreated', 1).at(-1)).toEqual(['OrderPlaced', 3])
})

async function collect(reader: EventReader<StoredEvent>): Promise<readonly StoredEvent[]> {
  const seen: StoredEvent[] = []
  for await (const event of reader) seen.push(event)
  return seen
}
