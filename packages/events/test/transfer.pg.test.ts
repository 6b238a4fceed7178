import { randomUUID } from 'node:crypto'
import { channels, createStore, singleTenant, type OperationContext } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, onTestFinished, test } from 'vitest'
import { events, parseExport, type ImportProgress } from '../src/index.js'
import { numbered } from './support/numbered.js'
import { openPool } from './support/open-pool.js'
import { poolWithoutCopy } from './support/pool-without-copy.js'
import { added, families, newStore, storeOn } from './support/test-store.js'

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
