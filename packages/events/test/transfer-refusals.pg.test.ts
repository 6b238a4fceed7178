import { createStore, singleTenant, typed } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, onTestFinished, test } from 'vitest'
import { defineEvents, events, type ImportEvent } from '../src/index.js'
import { numbered } from './support/numbered.js'
import { openPool } from './support/open-pool.js'
import { poolWithoutCopy } from './support/pool-without-copy.js'
import { added, eventsOf, newStore, storeOn } from './support/test-store.js'

const database = useDatabase({ max: 8 })

test('what is closed is refused with the row, by its typed error', async () => {
  const { store } = await newStore(database.pool)
  for (const id of ['archived', 'tombstoned', 'open']) await store.events.append(id, added(1))
  await store.events.archiveStream('archived')
  await store.events.tombstoneStream('tombstoned')
  for (const [streamId, code] of [
    ['archived', 'StreamArchived'],
    ['tombstoned', 'StreamTombstoned'],
  ] as const) {
    const source = [...numbered(2, ['open', 'new']), ...numbered(1, [streamId]), ...numbered(1, ['open'])]
    await expect(store.events.import(source)).rejects.toMatchObject({
      code: 'ImportFailed',
      row: 3,
      imported: 0,
      retryable: false,
      cause: { code, streamId },
    })
  }
  expect(await eventsOf(store)).toHaveLength(3)
  expect(await store.events.streamExists('new')).toBe(false)
})

const good: ImportEvent = { streamId: 's', type: 'Added', data: { n: 1 } }

test.each<[string, Partial<Record<keyof ImportEvent, unknown>> | null, string]>([
  ['no object', null, 'InvalidArgument'],
  ['no stream id', { streamId: '' }, 'InvalidArgument'],
  ['a stream id with NUL', { streamId: 'a\0' }, 'InvalidArgument'],
  ['no type', { type: undefined }, 'InvalidArgument'],
  ['an unknown type', { type: 'Strange' }, 'UnknownEventType'],
  ['data that JSON cannot hold', { data: { n: Number.NaN } }, 'UnstorableValue'],
  ['headers that are a list', { headers: [] }, 'InvalidArgument'],
  ['headers that JSON cannot hold', { headers: { a: 'x\0' } }, 'UnstorableValue'],
  ['an id that is no UUID', { id: 'x' }, 'InvalidArgument'],
  ['a causation id of another kind', { causationId: 5 }, 'InvalidArgument'],
  ['an empty category', { category: '' }, 'InvalidArgument'],
  ['version 0', { version: 0 }, 'InvalidArgument'],
  ['a version with a fraction', { version: 1.5 }, 'InvalidArgument'],
  ['a schema version that nothing reads', { schemaVersion: 7 }, 'InvalidArgument'],
  ['a time that is none', { createdAt: 'tomorrow' }, 'InvalidArgument'],
])('%s is refused with the row, and its batch is not stored', async (_, wrong, code) => {
  const { store } = await newStore(database.pool)
  const bad = wrong === null ? null : { ...good, ...wrong }
  const source = [good, good, good, bad, good] as readonly ImportEvent[]
  await expect(store.events.import(source, { validate: true, batchSize: 2 })).rejects.toMatchObject({
    code: 'ImportFailed',
    row: 4,
    imported: 2,
    cause: { code },
  })
  expect(await eventsOf(store)).toHaveLength(2)
})

test('schemas validate, and what they make of the data is stored; validate: false stores it as it is', async () => {
  const { store } = await newStore(database.pool)
  const upper = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: async (value: unknown) =>
        typeof value === 'string' ? { value: value.toUpperCase() } : { issues: [{ message: 'must be text' }] },
    },
  }
  const validating = createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema: (await newStore(database.pool)).schema }),
    modules: { events: events({ said: defineEvents('said', { Said: upper, Kept: typed<string>() }) }) },
  })
  const said = { streamId: 's', type: 'Said' as const }
  await validating.events.import([{ ...said, data: 'a' }])
  await validating.events.import([{ ...said, data: 'b' }], { validate: false })
  await expect(validating.events.import([{ ...said, data: 5 }], { validate: true })).rejects.toMatchObject({
    row: 1,
    cause: { code: 'ValidationFailed' },
  })
  expect((await validating.events.readStream('s').toArray()).map(({ data }) => data)).toEqual(['A', 'b'])
  // Of a type that no family has, the category cannot be known.
  const strange = { streamId: 'n', type: 'Strange', data: 1 }
  await expect(store.events.import([strange], { validate: false })).rejects.toMatchObject({
    row: 1,
    cause: { code: 'UnknownEventType' },
  })
  await store.events.import([{ ...strange, category: 'other' }], { validate: false })
  expect(await store.events.streamInfo('n')).toMatchObject({ version: 1, category: 'other' })
})

test.each([0, 1, 3, 4, Number.NaN])('a version that is not the next one (%d) is refused', async (version) => {
  const { store } = await newStore(database.pool)
  await store.events.append('s', added(1))
  const source = [...numbered(1, ['other']), { ...good, version }, good] as readonly ImportEvent[]
  const isVersion = Number.isSafeInteger(version) && version > 0
  await expect(store.events.import(source, { validate: true })).rejects.toMatchObject({
    code: 'ImportFailed',
    row: 2,
    cause: isVersion
      ? { code: 'VersionConflict', id: 's', expected: version - 1, actual: 1 }
      : { code: 'InvalidArgument' },
  })
  expect(await eventsOf(store)).toHaveLength(1)
  await store.events.import([{ ...good, version: 2 }, good, { ...good, version: 4 }] as never, {})
  expect(await eventsOf(store)).toHaveLength(4)
})

test('a source that throws is told with the row at which it did', async () => {
  const { store } = await newStore(database.pool)
  let closed = false
  const source = function* (): Generator<ImportEvent> {
    try {
      yield* numbered(4, ['s'])
      throw new Error('from the source')
    } finally {
      closed = true
    }
  }
  await expect(store.events.import(source(), { validate: true, batchSize: 3 })).rejects.toMatchObject({
    row: 5,
    imported: 3,
    retryable: false,
    cause: expect.objectContaining({ message: 'from the source' }) as Error,
  })
  expect(closed).toBe(true)
  expect(await eventsOf(store)).toHaveLength(3)
})

test('a source is closed when the import ends before it does', async () => {
  const { store } = await newStore(database.pool)
  let closed = false
  const source = async function* (): AsyncGenerator<ImportEvent> {
    try {
      yield* numbered(4, ['s'])
      yield { ...good, data: undefined }
      yield good
    } finally {
      closed = true
    }
  }
  await expect(store.events.import(source(), { validate: true })).rejects.toMatchObject({ row: 5 })
  expect(closed).toBe(true)
})

test.each<unknown>([undefined, null, 5, {}, 'text'])('%j is no source', async (source) => {
  const { store } = await newStore(database.pool)
  const wrong = source as readonly ImportEvent[]
  await expect(store.events.import(wrong, { validate: true })).rejects.toMatchObject({ code: 'InvalidArgument' })
})

test.each([{ name: '' }, { name: 'a\0' }, { batchSize: 0 }, { batchSize: 1.5 }, { batchSize: 1_000_000 }])(
  'options %j are refused',
  async (options) => {
    const { store } = await newStore(database.pool)
    await expect(store.events.import([], options)).rejects.toMatchObject({
      code: 'InvalidArgument',
      argument: Object.keys(options)[0],
    })
  },
)

test.each(['copy', 'insert'])('what the database refuses leaves the connection clean (%s)', async (way) => {
  const { schema } = await newStore(database.pool)
  const pool = openPool(database.url, 1)
  onTestFinished(() => pool.end())
  const store = storeOn(way === 'copy' ? { connect: () => pool.connect() } : poolWithoutCopy(pool), schema)
  const pidOf = async (): Promise<unknown> => (await pool.query('select pg_backend_pid()')).rows[0]
  const before = await pidOf()
  await database.query(`alter table "${schema}".events add check (data <> '{"n": 3}')`)
  await expect(store.events.import(numbered(5, ['s']), { batchSize: 4 })).rejects.toMatchObject({
    code: 'ImportFailed',
    // A row of a COPY has a number; of a statement with many rows nobody knows which it was.
    row: way === 'copy' ? 3 : 1,
    imported: 0,
    cause: { code: 'DatabaseError', sqlState: '23514' },
  })
  expect(await eventsOf(store)).toEqual([])
  expect(await store.events.streamExists('s')).toBe(false)
  await database.query(`alter table "${schema}".events drop constraint events_data_check`)
  expect(await store.events.import(numbered(5, ['s']))).toMatchObject({ events: 5 })
  // The same connection all the time: it was neither left in a COPY nor thrown away.
  expect(await pidOf()).toEqual(before)
})

test('a COPY that is refused before it begins leaves the connection clean', async () => {
  const { schema } = await newStore(database.pool)
  const pool = openPool(database.url, 1)
  onTestFinished(() => pool.end())
  const store = storeOn({ connect: () => pool.connect() }, schema)
  await database.query(`alter table "${schema}".events rename column data to payload`)
  await expect(store.events.import(numbered(5, ['s']))).rejects.toMatchObject({ cause: { code: 'SchemaMissing' } })
  await database.query(`alter table "${schema}".events rename column payload to data`)
  expect(await store.events.import(numbered(5, ['s']))).toMatchObject({ events: 5 })
})

test.each(['copy', 'insert'])(
  'a position or a version beyond 2^53 - 1 is refused before anything is stored (%s)',
  async (way) => {
    const { schema } = await newStore(database.pool)
    const { pool } = database
    const store = storeOn(way === 'copy' ? { connect: () => pool.connect() } : poolWithoutCopy(pool), schema)
    await store.events.append('s', added(1))
    await database.query(`update "${schema}".streams set version = ${Number.MAX_SAFE_INTEGER - 1}`)
    const overflow = { code: 'ImportFailed', imported: 0, cause: { code: 'PositionOverflow' } }
    await expect(store.events.import(numbered(2, ['s']))).rejects.toMatchObject(overflow)
    await database.query(`alter sequence "${schema}".events_position_seq restart with ${Number.MAX_SAFE_INTEGER}`)
    await expect(store.events.import(numbered(2, ['t']))).rejects.toMatchObject(overflow)
    const { rows } = await database.query(`select count(*)::int as count from "${schema}".events`)
    expect(rows).toEqual([{ count: 1 }])
  },
)

test('a sequence that lags its table is told', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s', added(5))
  await database.query(`alter sequence "${schema}".events_position_seq restart with 2`)
  await expect(store.events.import(numbered(1, ['t']))).rejects.toMatchObject({ cause: { code: 'SequenceBehind' } })
})
