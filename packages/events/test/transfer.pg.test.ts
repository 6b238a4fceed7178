import { randomUUID } from 'node:crypto'
import { channels, createStore, singleTenant, typed, type OperationContext } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, onTestFinished, test } from 'vitest'
import { defineEvents, events, parseExport, type ImportEvent, type ImportProgress } from '../src/index.js'
import { backendOf, untilBlockedBy, waitsFor } from './blocking.js'
import { added, families, newStore, storeOn, type TestStore } from './events-database.js'
import { openPool } from './open-pool.js'
import { eventsOf, numbered, poolWithoutCopy } from './transfer-support.js'

const database = useDatabase({ max: 8 })

test('events go into new streams and existing ones, in the order of the source', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('b', added(2))
  const result = await store.events.import([
    { streamId: 'a', type: 'Added', data: { n: 1 } },
    { streamId: 'b', type: 'Noted', data: 'x' },
    { streamId: 'a', type: 'Removed', data: { n: 2 } },
    { streamId: 'c', type: 'Noted', data: null, category: 'own' },
    { streamId: 'b', type: 'Added', data: { n: 3 }, version: 4, category: 'ignored' },
  ])
  expect(result).toEqual({ events: 5, skipped: 0, streams: 2, position: 7 })
  const stored = await store.events.readAll({ after: 2 }).toArray()
  expect(stored.map((event) => [event.position, event.streamId, event.version, event.type, event.category])).toEqual([
    [3, 'a', 1, 'Added', 'counter'],
    [4, 'b', 3, 'Noted', 'counter'],
    [5, 'a', 2, 'Removed', 'counter'],
    [6, 'c', 1, 'Noted', 'own'],
    [7, 'b', 4, 'Added', 'counter'],
  ])
  expect((await store.events.append('a', added(1), { expected: 2 })).version).toBe(3)
  expect(await store.events.verify()).toEqual([])
  const { rows } = await database.query(`select stream_id, version::int from "${schema}".streams order by 1`)
  expect(rows).toEqual([
    { stream_id: 'a', version: 3 },
    { stream_id: 'b', version: 4 },
    { stream_id: 'c', version: 1 },
  ])
})

test('what an event says of itself is stored as it is, and nothing of the context is added', async () => {
  const { schema } = await newStore(database.pool)
  const store = storeOn({ connect: () => database.pool.connect() }, schema, {
    context: { headers: { user: 'ada' }, correlationId: 'c', causationId: 'd' },
  })
  const id = randomUUID()
  const place = { streamId: 's', type: 'Noted' as const, data: { a: [1, null] } }
  const given = { headers: { h: 'ü' }, causationId: 'cause', correlationId: 'correlation', id, schemaVersion: 1 }
  await store.events.import([
    { ...place, ...given, createdAt: '2001-02-03T04:05:06.123456Z' },
    { ...place, createdAt: new Date(5) },
    place,
  ])
  const [full, dated, bare] = await store.events.readStream('s').toArray()
  expect(full).toMatchObject({ ...place, ...given, createdAt: new Date('2001-02-03T04:05:06.123Z') })
  expect(dated).toMatchObject({ headers: {}, causationId: undefined, correlationId: undefined, createdAt: new Date(5) })
  expect(bare?.id).toMatch(/^[0-9a-f-]{36}$/)
  const { rows } = await database.query<{ micros: string; fresh: boolean; bare: null }>(
    `select to_char(min(created_at) filter (where event_id = $1) at time zone 'UTC', 'US') as micros,
      max(created_at) between now() - interval '1 hour' and now() as fresh, max(headers::text) filter (where event_id <> $1) as bare
    from "${schema}".events`,
    [id],
  )
  expect(rows).toEqual([{ micros: '123456', fresh: true, bare: null }])
})

test('batches are told as they are committed, and the end once', async () => {
  const { store } = await newStore(database.pool)
  const told: ImportProgress[] = []
  const result = await store.events.import(numbered(7, ['x', 'y']), {
    batchSize: 3,
    onProgress: (progress) => told.push(progress),
  })
  expect(told.map((each) => [each.events, each.streams, each.position, each.done])).toEqual([
    [3, 2, 3, false],
    [6, 2, 6, false],
    [7, 2, 7, false],
    [7, 2, 7, true],
  ])
  expect(result).toEqual({ events: 7, skipped: 0, streams: 2, position: 7 })
  const empty: ImportProgress[] = []
  await store.events.import([], { onProgress: (progress) => empty.push(progress) })
  expect(empty).toEqual([{ events: 0, skipped: 0, streams: 0, position: undefined, done: true }])
})

test('a batch ends at its size in characters too', async () => {
  const { store } = await newStore(database.pool)
  const data = 'x'.repeat(3 * 1024 * 1024)
  const told: number[] = []
  await store.events.import(
    Array.from({ length: 7 }, () => ({ streamId: 's', type: 'Noted' as const, data })),
    { onProgress: (progress) => told.push(progress.events) },
  )
  expect(told).toEqual([3, 6, 7, 7])
})

test('each batch is told on the append channel, with its count and nothing of its payload', async () => {
  const { store, schema } = await newStore(database.pool)
  const told: OperationContext[] = []
  const listener = { asyncEnd: (context: OperationContext) => void told.push({ ...context }) }
  channels.append.subscribe(listener as Parameters<typeof channels.append.subscribe>[0])
  onTestFinished(() => channels.append.unsubscribe(listener as Parameters<typeof channels.append.subscribe>[0]))
  await store.events.import(numbered(5, ['canary-31']), { batchSize: 3 })
  expect(told).toMatchObject([
    { operation: 'import', schema, count: 3 },
    { operation: 'import', schema, count: 2 },
  ])
  expect(JSON.stringify(told)).not.toContain('canary-31')
})

test('an import wakes readers of this process, and of others', async () => {
  const { schema } = await newStore(database.pool)
  const listener = await database.pool.connect()
  const notified = new Promise((resolve) => listener.once('notification', resolve))
  await listener.query('listen rillflow')
  const store = storeOn({ connect: () => database.pool.connect() }, schema, { wakeUps: true })
  const woken = store.events.waitForHead(0)
  await store.events.import(numbered(3, ['s']))
  expect(await woken).toBe(3)
  expect(await notified).toMatchObject({ channel: 'rillflow', payload: schema })
  await listener.query('unlisten *')
  listener.release()
  await store.close()
})

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

test('a driver that cannot COPY, or is in pipeline mode, stores the same', async () => {
  const { store } = await newStore(database.pool)
  const { schema } = await newStore(database.pool)
  const pipelined = { connect: async () => Object.assign(await database.pool.connect(), { pipeline: true }) }
  await store.events.import(numbered(2_500, ['a', 'b', 'c']))
  for (const [pool, prefix] of [
    [poolWithoutCopy(database.pool), 'x'],
    [pipelined, 'y'],
  ] as const) {
    const other = storeOn(pool, schema)
    const streams = ['a', 'b', 'c'].map((id) => prefix + id)
    expect(await other.events.import(numbered(2_500, streams))).toMatchObject({ events: 2_500, streams: 3 })
    const stored = await other.events.readAll({ filter: { streamPrefix: prefix } }).toArray()
    const wanted = await store.events.readAll().toArray()
    expect(stored.map((event) => [event.streamId.slice(1), event.version, event.data])).toEqual(
      wanted.map((event) => [event.streamId, event.version, event.data]),
    )
  }
  // It would be lent to other tests with the setting.
  const lent = await Promise.all(Array.from({ length: 8 }, () => database.pool.connect()))
  for (const client of lent) client.release(true)
})

test('a store that was given a URL imports by COPY, and its pool works on as before', async () => {
  const { schema } = await newStore(database.pool)
  await database.query(`create table "${schema}".seen (query text)`)
  await database.query(`create function "${schema}".see() returns trigger language plpgsql as
    $$ begin insert into "${schema}".seen values (current_query()); return null; end $$`)
  await database.query(`create trigger see after insert on "${schema}".events execute function "${schema}".see()`)
  const store = createStore({
    connection: { url: database.url, maxConnections: 1 },
    tenancy: singleTenant({ schema }),
    modules: { events: events(families, { wakeUps: false }) },
  })
  onTestFinished(() => store.close())
  await store.events.import(numbered(2_500, ['a', 'b']))
  const { rows } = await database.query(`select distinct query ~* 'copy .* from stdin' as copied from "${schema}".seen`)
  expect(rows).toEqual([{ copied: true }])
  const session = store.session()
  for (const streamId of ['c', 'd']) session.events.append(streamId, added(2))
  expect((await session.saveChanges()).events).toHaveLength(2)
})

test('a source that needs the only connection of the pool gets it', async () => {
  const one = await newStore(database.pool)
  const two = await newStore(database.pool)
  await one.store.events.import(numbered(3_000, ['a', 'b']))
  const pool = openPool(database.url, 1)
  onTestFinished(() => pool.end())
  const from = storeOn({ connect: () => pool.connect() }, one.schema)
  const to = storeOn({ connect: () => pool.connect() }, two.schema)
  const source = parseExport(from.events.export({ pageSize: 100 }))
  expect(await to.events.import(source, { validate: false, batchSize: 250 })).toMatchObject({ events: 3_000 })
})

test('an abort between two batches ends the import with its reason; what was stored stays', async () => {
  const { store } = await newStore(database.pool)
  const abort = new AbortController()
  const reason = new Error('enough')
  const ended = store.events.import(numbered(100, ['s']), {
    batchSize: 10,
    signal: abort.signal,
    onProgress: (progress) => {
      if (progress.events === 30) abort.abort(reason)
    },
  })
  await expect(ended).rejects.toBe(reason)
  expect(await eventsOf(store)).toHaveLength(30)
  await expect(store.events.import(numbered(1, ['s']), { signal: abort.signal })).rejects.toBe(reason)
  expect(await eventsOf(store)).toHaveLength(30)
})

test('an abort while the source is waited for ends the import, and closes nothing that others use', async () => {
  const { store } = await newStore(database.pool)
  const abort = new AbortController()
  const source = async function* (): AsyncGenerator<ImportEvent> {
    yield* numbered(2, ['s'])
    abort.abort()
    await new Promise(() => undefined)
  }
  const ended = store.events.import(source(), { validate: true, signal: abort.signal })
  await expect(ended).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }) as Error)
  expect(await eventsOf(store)).toEqual([])
})

async function nameOf(store: TestStore, rows: readonly ImportEvent[], batchSize = 10): Promise<unknown> {
  return store.events.import(rows, { name: 'move', validate: true, batchSize })
}

test('a named import goes on where it ended, without loss and without doubles', async () => {
  const { store } = await newStore(database.pool)
  const rows = [...numbered(35, ['a', 'b'])]
  const broken = [...rows.slice(0, 27), null as never, ...rows.slice(28)]
  await expect(nameOf(store, broken)).rejects.toMatchObject({ code: 'ImportFailed', row: 28, imported: 20 })
  // Another batch size, and events of others in between: neither matters.
  await store.events.append('a', added(3, 900))
  await expect(nameOf(store, broken, 4)).rejects.toMatchObject({ row: 28, imported: 4 })
  expect(await nameOf(store, rows)).toMatchObject({ skipped: 24, events: 11, streams: 0 })
  expect(await nameOf(store, rows)).toMatchObject({ skipped: 35, events: 0, position: undefined })
  // A source that has grown goes on too.
  expect(await nameOf(store, [...numbered(37, ['a', 'b'])])).toMatchObject({ skipped: 35, events: 2 })
  const numbers = (await store.events.readAll().toArray()).map(({ data }) => (data as { n: number }).n)
  expect(numbers.filter((n) => n < 900)).toEqual(Array.from({ length: 37 }, (_, index) => index + 1))
  expect(await store.events.verify()).toEqual([])
})

test('another name is another import; a shorter source is refused', async () => {
  const { store } = await newStore(database.pool)
  const rows = [...numbered(5, ['a'])]
  await nameOf(store, rows)
  await expect(nameOf(store, rows.slice(0, 4))).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'source' })
  expect(await store.events.import(rows, { name: 'again', validate: true })).toMatchObject({ events: 5 })
  expect(await eventsOf(store)).toHaveLength(10)
})

test('of two runs of one import the slower one is refused, and nothing is stored twice', async () => {
  const { store } = await newStore(database.pool)
  const rows = [...numbered(30, ['a'])]
  const overtaken = async function* (): AsyncGenerator<ImportEvent> {
    yield* rows.slice(0, 15)
    await nameOf(store, rows)
    yield* rows.slice(15)
  }
  const slow = store.events.import(overtaken(), { name: 'move', validate: true, batchSize: 20 })
  await expect(slow).rejects.toMatchObject({
    code: 'ImportFailed',
    row: 1,
    imported: 0,
    cause: { code: 'InvalidState' },
  })
  expect(await eventsOf(store)).toHaveLength(30)
})

test('a batch is all or nothing with the progress of its import', async () => {
  const { store, schema } = await newStore(database.pool)
  await database.query(`alter table "${schema}".events add check (data <> '{"n": 15}')`)
  await expect(nameOf(store, [...numbered(20, ['a'])])).rejects.toMatchObject({ row: 15, imported: 10 })
  const { rows } = await database.query(`select name, count::int from "${schema}".imports`)
  expect(rows).toEqual([{ name: 'move', count: 10 }])
})

/** Stops every transaction that writes events of a schema at its commit, until the lock is let go of. */
async function withGate(
  schema: string,
  work: (holder: number, open: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await database.query(`
    create function "${schema}".gate() returns trigger language plpgsql as $$ begin
      if new.type = 'Noted' then perform pg_advisory_xact_lock_shared(77, 7); end if; return null; end $$;
    create constraint trigger gate after insert on "${schema}".events deferrable initially deferred
      for each row execute function "${schema}".gate()`)
  const client = await database.pool.connect()
  try {
    await client.query('select pg_advisory_lock(77, 7)')
    await work(await backendOf(client), async () => void (await client.query('select pg_advisory_unlock(77, 7)')))
  } finally {
    await client.query('select pg_advisory_unlock_all()')
    client.release()
  }
}

test('nothing that an import has not committed is stepped over by a reader of the feed', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('before', added(2))
  const notes = Array.from({ length: 50 }, (_, n) => ({ streamId: `n-${n % 5}`, type: 'Noted' as const, data: n }))
  await withGate(schema, async (holder, open) => {
    const importing = store.events.import(notes)
    await untilBlockedBy(database.pool, holder)
    await store.events.append('later', added(3))
    const seen = await store.events.readAll().toArray()
    expect(seen.map(({ streamId }) => streamId)).toEqual(['before', 'before'])
    await open()
    await importing
    const rest = await store.events.readAll({ after: seen.at(-1)?.position }).toArray()
    expect(rest.map(({ position }) => position)).toEqual(Array.from({ length: 53 }, (_, index) => index + 3))
    expect(rest.map(({ streamId }) => streamId).slice(-3)).toEqual(['later', 'later', 'later'])
  })
})

test('an import that waits for a stream holds no reader back', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s', added(1))
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    await client.query(`select from "${schema}".streams for update`)
    const importing = store.events.import(numbered(3, ['s']))
    await untilBlockedBy(database.pool, await backendOf(client))
    await store.events.append('other', added(1))
    expect(await store.events.head()).toBe(2)
    await client.query('commit')
    expect(await importing).toMatchObject({ events: 3, position: 5 })
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('an import takes streams in the order of every other writer', async () => {
  const { store } = await newStore(database.pool)
  // In UTF-16, the order that appends go by, the emoji comes first; in bytes it would come last.
  const [first, second] = ['😀', '～'] as const
  await store.events.append(first, added(1))
  await store.events.append(second, added(1))
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    await store.transaction({ client }, (tx) => tx.events.append(first, added(1)))
    const holder = await backendOf(client)
    const importing = store.events.import(numbered(4, [second, first]))
    await untilBlockedBy(database.pool, holder)
    const { rows } = await database.query<{ pid: number }>(
      'select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
      [holder],
    )
    // While it waits for the first stream it must not hold the second one.
    expect(await waitsFor(database.pool, rows[0]?.pid ?? 0, store.events.append(second, added(1)))).toBe(false)
    await client.query('commit')
    expect(await importing).toMatchObject({ events: 4 })
  } finally {
    await client.query('rollback')
    client.release()
  }
  expect(await store.events.verify()).toEqual([])
})

test('an import that the server ends to break a deadlock is tried again', async () => {
  const { store } = await newStore(database.pool)
  await store.events.append('a', added(1))
  await store.events.append('b', added(1))
  const client = await database.pool.connect()
  try {
    // The import began to wait first, and this one does not look: so the import is the one that is ended.
    await client.query("begin; set local deadlock_timeout = '1h'")
    await store.transaction({ client }, (tx) => tx.events.append('b', added(1)))
    const importing = store.events.import(numbered(4, ['a', 'b']))
    await untilBlockedBy(database.pool, await backendOf(client))
    await store.transaction({ client }, (tx) => tx.events.append('a', added(1)))
    await client.query('commit')
    expect(await importing).toMatchObject({ events: 4 })
  } finally {
    await client.query('rollback')
    client.release()
  }
  expect(await eventsOf(store)).toHaveLength(8)
})

test('a reader, and appends, go on while many events are imported; nobody misses anything', async () => {
  const { store } = await newStore(database.pool)
  const appends = 300
  const total = 20_000 + appends
  const importing = store.events.import(numbered(20_000, ['a', 'b', 'c', 'shared']), { batchSize: 500 })
  const appending = (async () => {
    for (let n = 0; n < appends; n += 1) await store.events.append(n % 2 === 0 ? 'shared' : `own-${n}`, added(1))
  })()
  const positions: number[] = []
  const versions = new Map<string, number>()
  while (positions.length < total) {
    await store.events.waitForHead(positions.at(-1) ?? 0)
    for await (const event of store.events.readAll({ after: positions.at(-1) ?? 0 })) {
      positions.push(event.position)
      expect(event.version).toBe((versions.get(event.streamId) ?? 0) + 1)
      versions.set(event.streamId, event.version)
    }
  }
  await Promise.all([importing, appending])
  expect(positions).toEqual((await store.events.readAll().toArray()).map(({ position }) => position))
  expect(positions).toHaveLength(total)
})
