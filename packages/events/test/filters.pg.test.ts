import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EventFilter, EventsOptions, IndexedColumn, ReadAllOptions, StoredEvent } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'
import { newStore, storeOn, type TestStore } from './support/test-store.js'

const database = useDatabase()

/** Names in which a hand-made array or pattern would stumble. */
const hostile = [
  'a"b',
  'a\\b',
  'a,b',
  '{a}',
  'a{b',
  "a'b",
  ' a ',
  'NULL',
  'a%',
  'a_',
  '"',
  '\\',
  '\\"',
  '{}',
  '$1',
  'é',
  '😀',
  'a\nb',
]
const types = ['Added', 'Removed', 'Noted'] as const
const categories = ['counter', 'order', 'with,comma"and\\slash{}']
const streams = ['order-1', 'order-10', 'order-2', 'cart-1', 'cart', ...hostile]
const correlations = ['c-1', 'c-"2"', 'c,{3}\\']

let schema: string
let store: TestStore
let all: readonly StoredEvent[]

type Filter = EventFilter<(typeof types)[number]>

beforeAll(async () => {
  ;({ schema, store } = await newStore(database.pool))
  // A few hundred events in which every name meets every other.
  for (let n = 0; n < 300; n += 1) {
    const type = types[(n * 7) % 3] as (typeof types)[number]
    const event = type === 'Noted' ? { type, data: n } : { type, data: { n } }
    await store.events.append(streams[(n * 5) % streams.length] as string, [event], {
      category: categories[((n * 5) % streams.length) % 3],
      correlationId: n % 4 === 3 ? undefined : correlations[n % 4],
    })
  }
  all = await store.events.readAll().toArray()
})

/** Many stores on one pool: without the wrapping each would listen to it. */
function open(options: EventsOptions): TestStore {
  return storeOn({ connect: () => database.pool.connect() }, schema, options)
}

/** What a filter lets through, as anybody would write it down. */
function matches(event: StoredEvent, filter: Filter): boolean {
  const { streamId, type, category, correlationId } = event
  return (
    (filter.types === undefined || filter.types.some((one) => one === type)) &&
    (filter.categories === undefined || filter.categories.includes(category)) &&
    (filter.streamIds === undefined || filter.streamIds.includes(streamId)) &&
    (filter.streamPrefix === undefined || streamId.startsWith(filter.streamPrefix)) &&
    (filter.correlationId === undefined || filter.correlationId === correlationId)
  )
}

function model(options: ReadAllOptions<(typeof types)[number]>): readonly number[] {
  const { filter, after = 0, to = Number.MAX_SAFE_INTEGER, direction, limit } = options
  const filters = filter === undefined ? [{}] : ([filter].flat() as readonly Filter[])
  const found = all.filter(
    (event) => event.position > after && event.position <= to && filters.some((one) => matches(event, one)),
  )
  return (direction === 'backward' ? found.toReversed() : found).slice(0, limit).map((event) => event.position)
}

async function expectAsModel(of: TestStore, options: ReadAllOptions<(typeof types)[number]>): Promise<void> {
  const expected = model(options)
  const positions = (await of.events.readAll(options).toArray()).map((event) => event.position)
  expect(positions, JSON.stringify(options)).toEqual(expected)
  if (options.pageSize === undefined) return
  const paged: number[] = []
  for await (const event of of.events.readAll(options)) paged.push(event.position)
  expect(paged, `by pages: ${JSON.stringify(options)}`).toEqual(expected)
}

const indexes: readonly IndexedColumn[] = ['type', 'category', 'correlationId']

/** Each field alone and all of them together: nothing, one name, several, and a name that is nowhere. */
const choices: { readonly [Field in keyof Required<Filter>]: readonly Filter[Field][] } = {
  types: [undefined, ['Added'], ['Removed', 'Noted']],
  categories: [undefined, ['order'], ['counter', 'with,comma"and\\slash{}', 'nowhere']],
  streamIds: [undefined, ['order-1'], ['a"b', 'a\\b', '{}', 'cart-1', 'nowhere', 'a"b']],
  streamPrefix: [undefined, 'order-1', 'a'],
  correlationId: [undefined, 'c-1', 'c-"2"'],
}

function everyFilter(): readonly Filter[] {
  const fields = Object.entries(choices) as unknown as readonly (readonly [string, readonly unknown[]])[]
  const combined = fields.reduce<readonly object[]>(
    (filters, [field, values]) =>
      filters.flatMap((filter) =>
        values.map((value) => (value === undefined ? filter : { ...filter, [field]: value })),
      ),
    [{}],
  )
  return combined.filter((filter) => Object.keys(filter).length > 0)
}

describe.each<EventsOptions>([{}, { indexes }])('with %o', (options) => {
  test.each(['forward', 'backward'] as const)(
    'every combination of fields agrees with the model, %s',
    async (direction) => {
      const of = open(options)
      const filters = everyFilter()
      expect(filters).toHaveLength(3 ** 5 - 1)
      expect(filters.filter((filter) => model({ filter }).length > 0).length).toBeGreaterThan(60)
      for (const filter of filters) await expectAsModel(of, { filter, direction })
    },
  )

  test('lists of overlapping filters, ranges, limits and pages agree with the model', async () => {
    const of = open(options)
    const filter = fc.constantFrom(...everyFilter())
    const position = fc.option(fc.integer({ min: 0, max: 310 }), { nil: undefined })
    const anyRead = fc.record({
      filter: fc.oneof(filter, fc.array(filter, { minLength: 1, maxLength: 4 })),
      after: position,
      to: position,
      limit: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
      direction: fc.constantFrom('forward' as const, 'backward' as const),
      pageSize: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(anyRead, (read) => expectAsModel(of, read)),
      { numRuns: 150 },
    )
  })

  test.each(hostile)('a stream, a prefix and a category called %j are found exactly', async (name) => {
    const of = open(options)
    await expectAsModel(of, { filter: { streamIds: [name] } })
    await expectAsModel(of, { filter: { streamPrefix: name } })
    await expectAsModel(of, { filter: { categories: [name, 'order'] } })
    await expectAsModel(of, { filter: { types: [name as 'Added'], streamIds: [name] } })
    expect(model({ filter: { streamIds: [name] } }).length).toBeGreaterThan(0)
  })

  test('more names than an index is walked for', async () => {
    const of = open(options)
    const many = Array.from({ length: 20 }, (_, n) => `nowhere-${n}`)
    await expectAsModel(of, { filter: { categories: [...many, 'order'] }, pageSize: 7 })
    await expectAsModel(of, { filter: { streamIds: [...many, ...streams] }, pageSize: 7 })
  })
})

test('a filter that is refused is refused before anything is sent', () => {
  const pool = new CountingPool(database.pool)
  const of = storeOn(pool, schema)
  for (const filter of [[], {}, { kinds: ['Added'] }, { types: [] }, [{ types: ['Added'] }, {}]]) {
    expect(() => of.events.readAll({ filter: filter as Filter })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument', argument: 'filter' }) as Error,
    )
  }
  expect(pool.take()).toEqual([])
})

test('a reader that stops early leaves no connection lent', async () => {
  const pool = new CountingPool(database.pool)
  const of = storeOn(pool, schema)
  for (const stopAt of [1, 7, 8, 20]) {
    for await (const event of of.events.readAll({ filter: { types: ['Added', 'Noted'] }, pageSize: 7 })) {
      if (event.position >= stopAt) break
    }
    expect(pool.lent).toBe(0)
  }
})

test('an event that cannot be read throws in its place: those of the pages before it are given', async () => {
  const bad = await newStore(database.pool)
  for (let n = 0; n < 20; n += 1) await bad.store.events.append('s', [{ type: 'Added', data: { n } }])
  await database.query(`alter table "${bad.schema}".events disable trigger events_append_only`)
  await database.query(`update "${bad.schema}".events set type = 'Unknown' where position = 12`)
  const seen: number[] = []
  const reading = (async () => {
    for await (const event of bad.store.events.readAll({ pageSize: 5 })) seen.push(event.position)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'UnknownEventType' })
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  // What a filter drops is not decoded, so that it cannot throw.
  const added = await bad.store.events.readAll({ filter: { types: ['Added'] } }).toArray()
  expect(added).toHaveLength(19)
})
