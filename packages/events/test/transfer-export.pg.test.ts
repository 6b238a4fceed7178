import { createStore, singleTenant, typed, type Json, type JsonObject } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineEvents, events, parseExport, upcaster, type ImportEvent } from '../src/index.js'
import { added, newStore, storeOn, type TestStore } from './support/test-store.js'
import { numbered } from './support/numbered.js'
import { poolWithoutCopy } from './support/pool-without-copy.js'

const database = useDatabase({ max: 6 })
const RUNS = Number(process.env['RILLFLOW_TRANSFERS'] ?? 25)
const seed = Number(process.env['RILLFLOW_SEED'] ?? Date.now() % 2 ** 31)

async function linesOf(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

/** Every column of every event but its position, in the order of positions; the number of the stream is its own too. */
async function storedRows(schema: string): Promise<readonly unknown[]> {
  const { rows } = await database.query(
    `select to_jsonb(e) - 'position' - 'stream_no' || jsonb_build_object('at', extract(epoch from e.created_at)) as row
      from "${schema}".events e order by e.position`,
  )
  return rows
}

/** What the rows of streams say, but their number. */
async function storedStreams(schema: string): Promise<readonly unknown[]> {
  const { rows } = await database.query(
    `select to_jsonb(s) - 'stream_no' as row from "${schema}".streams s order by stream_id`,
  )
  return rows
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.constantFrom('\\N', '\\.', '\t', 'a\nb', '\\\\n', '"', "'", '{}', '__proto__', '\u2028', '\uFEFF', '😀'),
)
const name = text.map((each) => each.replaceAll('\0', '0')).filter((each) => each.isWellFormed())
const json = fc
  .jsonValue({ stringUnit: 'binary', maxDepth: 4 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '0')) as Json)
const headers = fc.dictionary(name, json, { maxKeys: 3 }) as fc.Arbitrary<JsonObject>
const micros = fc.integer({ min: 0, max: 2 ** 52 })
const time = micros.map(
  (each) => `${new Date(Math.floor(each / 1_000)).toISOString().slice(0, -1)}${String(each % 1_000).padStart(3, '0')}Z`,
)
const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined })
const event = fc.record({
  stream: fc.nat(5),
  type: name,
  data: json,
  headers: optional(headers),
  causationId: optional(name),
  correlationId: optional(name),
  id: optional(fc.uuid()),
  schemaVersion: optional(fc.integer({ min: 1, max: 2 ** 31 - 1 })),
  createdAt: optional(time),
})
const history = fc.record({
  streams: fc.uniqueArray(fc.tuple(name, name), { minLength: 6, maxLength: 6, selector: ([streamId]) => streamId }),
  events: fc.array(event, { minLength: 1, maxLength: 60 }),
  batchSize: fc.integer({ min: 1, max: 70 }),
  withCopy: fc.boolean(),
})

test(`an import of an export is the same again, whatever was stored (seed ${seed})`, { timeout: 180_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ streams, events: list, batchSize, withCopy }) => {
      const from = await newStore(database.pool)
      const to = await newStore(database.pool)
      const source = list.map(({ stream, ...rest }): ImportEvent => {
        const [streamId, category] = streams[stream] as [string, string]
        return { ...rest, streamId, category }
      })
      await from.store.events.import(source, { validate: false })
      const target = storeOn(
        withCopy ? { connect: () => database.pool.connect() } : poolWithoutCopy(database.pool),
        to.schema,
      )
      const lines = await linesOf(from.store.events.export({ pageSize: 7 }))
      const result = await target.events.import(parseExport(lines), { validate: false, batchSize })
      expect(result.events).toBe(list.length)
      expect(await storedRows(to.schema)).toEqual(await storedRows(from.schema))
      expect(await storedStreams(to.schema)).toEqual(await storedStreams(from.schema))
      const [, ...again] = await linesOf(to.store.events.export())
      expect(again).toEqual(lines.slice(1))
    }),
    { numRuns: RUNS, seed, endOnFailure: true },
  )
})

test('what appends have stored comes over too, numbers and all', async () => {
  const from = await newStore(database.pool)
  const to = await newStore(database.pool)
  const numbers = [0.1, 5e-324, 1.7976931348623157e308, 2 ** 53, -1e21, 1e-7]
  await from.store.events.append('s', [{ type: 'Noted', data: numbers }], { headers: { a: [null] } })
  await from.store.events.append('t', [{ type: 'Noted', data: 'ü\\"\n' }], { correlationId: 'c', causationId: 'd' })
  await from.store.transaction((tx) => tx.events.append('s', added(3)))
  await to.store.events.import(parseExport(from.store.events.export()), { validate: false })
  expect(await storedRows(to.schema)).toEqual(await storedRows(from.schema))
  expect(await storedStreams(to.schema)).toEqual(await storedStreams(from.schema))
})

describe('the lines', () => {
  async function twoEvents(): Promise<{ store: TestStore; schema: string }> {
    const { store, schema } = await newStore(database.pool)
    const id = (n: number): string => `018f3c5e-0000-7000-8000-00000000000${n}`
    const createdAt = '2026-01-31T12:00:00.120000Z'
    const caused = { headers: { user: 'ada' }, causationId: 'a', correlationId: 'b' }
    await store.events.import([
      { streamId: 'o-1', type: 'Added', data: { n: 1 }, id: id(1), createdAt },
      { ...caused, streamId: 'n', type: 'Noted', data: [], id: id(2), createdAt, category: 'own' },
    ])
    return { store, schema }
  }

  test('are as the documentation of the format says', async () => {
    const { store } = await twoEvents()
    expect(await linesOf(store.events.export())).toEqual([
      '{"export":"rillflow-events","format":1}\n',
      '{"position":1,"streamId":"o-1","category":"counter","version":1,"type":"Added","schemaVersion":1,"id":"018f3c5e-0000-7000-8000-000000000001","createdAt":"2026-01-31T12:00:00.120000Z","data":{"n": 1}}\n',
      '{"position":2,"streamId":"n","category":"own","version":1,"type":"Noted","schemaVersion":1,"id":"018f3c5e-0000-7000-8000-000000000002","createdAt":"2026-01-31T12:00:00.120000Z","causationId":"a","correlationId":"b","headers":{"user": "ada"},"data":[]}\n',
      '{"end":true,"events":2,"head":2}\n',
    ])
  })

  test('of an empty store are an export too', async () => {
    const { store } = await newStore(database.pool)
    expect(await linesOf(store.events.export())).toEqual([
      '{"export":"rillflow-events","format":1}\n',
      '{"end":true,"events":0,"head":0}\n',
    ])
  })

  test('are those that the filters of readAll choose', async () => {
    const { store } = await newStore(database.pool)
    await store.events.import([...numbered(10, ['a', 'b']), { streamId: 'a', type: 'Noted', data: null }])
    await store.events.append('gone', added(1))
    await store.events.archiveStream('gone')
    const positions = async (options: Parameters<typeof store.events.export>[0]): Promise<string> =>
      (await linesOf(store.events.export(options)))
        .map((line) => JSON.parse(line) as { position?: number; events?: number; head?: number })
        .map(({ position, events: count, head }) => position ?? (head === undefined ? '' : `of ${count} to ${head}`))
        .join(' ')
    expect(await positions({ after: 8 })).toBe(' 9 10 11 12 of 4 to 12')
    expect(await positions({ after: 2, to: 5 })).toBe(' 3 4 5 of 3 to 5')
    expect(await positions({ limit: 3, pageSize: 2 })).toBe(' 1 2 3 of 3 to 3')
    expect(await positions({ filter: { streamIds: ['b'] }, pageSize: 1 })).toBe(' 2 4 6 8 10 of 5 to 12')
    expect(await positions({ filter: { types: ['Noted'] } })).toBe(' 11 of 1 to 12')
    expect(await positions({ after: 10, archived: 'exclude' })).toBe(' 11 of 1 to 12')
    expect(await positions({ after: 99 })).toBe(' of 0 to 99')
    expect(await positions({ limit: 0 })).toBe(' of 0 to 0')
  })

  test.each([{ after: -1 }, { limit: 0.5 }, { pageSize: 0 }, { filter: {} }, { archived: 'yes' }, { to: -1 }])(
    'options %j are refused',
    async (options) => {
      const { store } = await newStore(database.pool)
      expect(() => store.events.export(options as never)).toThrow(
        expect.objectContaining({ code: 'InvalidArgument' }) as Error,
      )
    },
  )
})

test('an export ends at the safe head, and the next one goes on there', async () => {
  const { store, schema } = await newStore(database.pool)
  const other = await newStore(database.pool)
  await store.events.append('s', added(2))
  const client = await database.pool.connect()
  let first: readonly string[]
  try {
    await client.query('begin')
    await store.transaction({ client }, (tx) => tx.events.append('open', added(1)))
    await store.events.append('s', added(1, 3))
    first = await linesOf(store.events.export())
    await client.query('commit')
  } finally {
    await client.query('rollback')
    client.release()
  }
  const { head } = JSON.parse(first.at(-1) ?? '') as { head: number }
  expect(head).toBe(2)
  const second = await linesOf(store.events.export({ after: head }))
  // Both at once, as the text of two files that were put together.
  await other.store.events.import(parseExport([...first, ...second]), { validate: false })
  expect(await storedRows(other.schema)).toEqual(await storedRows(schema))
})

test('what was exported before can be skipped by its name', async () => {
  const { store } = await newStore(database.pool)
  const other = await newStore(database.pool)
  await store.events.import(numbered(20, ['a', 'b']))
  const lines = await linesOf(store.events.export())
  const options = { validate: false, name: 'copy', batchSize: 5 } as const
  const cut = other.store.events.import(parseExport(lines.slice(0, 13)), options)
  await expect(cut).rejects.toMatchObject({
    code: 'ImportFailed',
    row: 13,
    imported: 10,
    cause: { code: 'MalformedExport' },
  })
  expect(await other.store.events.import(parseExport(lines), options)).toMatchObject({ skipped: 10, events: 10 })
  expect(await other.store.events.readAll().toArray()).toHaveLength(20)
})

test('older forms are exported and imported as they are, and read as new ones in both stores', async () => {
  const families = { order: defineEvents('order', { OrderPlaced: typed<{ total: number }>() }) }
  const renamed = upcaster({ from: ['OrderCreated', 1], to: ['OrderPlaced', 2], upcast: () => ({ total: 7 }) })
  const stores = []
  for (const { schema } of [await newStore(database.pool), await newStore(database.pool)]) {
    const store = createStore({
      connection: { pool: { connect: () => database.pool.connect() } },
      tenancy: singleTenant({ schema }),
      modules: { events: events(families, { upcasters: [renamed] }) },
    })
    await sync(store)
    stores.push({ store, schema })
  }
  const [from, to] = stores as [(typeof stores)[number], (typeof stores)[number]]
  const old = { streamId: 'o', type: 'OrderCreated', data: { sum: 7 } }
  await expect(from.store.events.import([old], { validate: false })).rejects.toMatchObject({
    row: 1,
    cause: { code: 'InvalidArgument', argument: 'schemaVersion' },
  })
  // Of an older form, which no schema fits: taken with validation as well.
  await from.store.events.import([{ ...old, schemaVersion: 1 }], { validate: true })
  await from.store.events.import([{ streamId: 'o', type: 'OrderPlaced', data: { total: 8 } }])
  const filter = { types: ['OrderPlaced'] } as const
  await to.store.events.import(parseExport(from.store.events.export({ filter })), { validate: false })
  expect(await storedRows(to.schema)).toEqual(await storedRows(from.schema))
  for (const { store } of stores) {
    const read = await store.events.readStream('o').toArray()
    expect(read.map(({ type, schemaVersion, data }) => [type, schemaVersion, data])).toEqual([
      ['OrderPlaced', 2, { total: 7 }],
      ['OrderPlaced', 2, { total: 8 }],
    ])
  }
})

test('a consumer that stops early leaves no connection lent', async () => {
  const { store } = await newStore(database.pool)
  await store.events.import(numbered(100, ['a']))
  for await (const line of store.events.export({ pageSize: 10 })) if (line.includes('"position":3,')) break
  expect(database.pool.totalCount - database.pool.idleCount).toBe(0)
})
