import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { inTransaction } from './support/blocking.js'
import { added, newStore, storeOn } from './support/test-store.js'

const database = useDatabase({ max: 6 })

const borders = [2 ** 31, 2 ** 32, 2 ** 39, 2 ** 40, 2 ** 40 + 2 ** 39, 2 ** 41, 2 ** 52, 2 ** 53 - 1]
/** Beginnings from which the appends of a test cross each border at another one of their steps. */
const starts = borders.flatMap((border) => [border - 3, border - 2, border - 1]).filter((each) => each + 2 < 2 ** 53)

test.each(starts)('positions, the head and the feed are exact from %d on', async (start) => {
  const { store, schema } = await newStore(database.pool)
  await database.query(`alter sequence "${schema}".events_position_seq restart with ${start}`)
  await inTransaction(database.pool, async (client) => {
    const open = await store.transaction({ client }, (tx) => tx.events.append('open', added(1)))
    expect(open.position).toBe(start)
    expect((await store.events.append('later', added(2))).position).toBe(start + 2)
    expect(await store.events.head()).toBe(start - 1)
    expect(await store.events.readAll({ after: start - 1 }).toArray()).toEqual([])
    await client.query('commit')
  })
  expect(await store.events.head()).toBe(start + 2)
  for (const direction of ['forward', 'backward'] as const) {
    const positions: number[] = []
    for await (const event of store.events.readAll({ after: start - 1, direction, pageSize: 2 })) {
      positions.push(event.position)
    }
    const expected = [start, start + 1, start + 2]
    expect(positions).toEqual(direction === 'forward' ? expected : expected.toReversed())
  }
  expect((await store.events.readStream('later').toArray()).map((event) => event.position)).toEqual([
    start + 1,
    start + 2,
  ])
})

test('a floor far behind, and one ahead of the head that was noted before it, are told apart', async () => {
  const { store, schema } = await newStore(database.pool)
  await inTransaction(database.pool, async (client) => {
    await store.transaction({ client }, (tx) => tx.events.append('open', added(1)))
    // As if 2^39 - 2 events had been written since: the farthest a floor may lie behind.
    await database.query(`select setval('"${schema}".events_position_seq', ${2 ** 39 - 1})`)
    expect(await store.events.head()).toBe(0)
  })
  expect(await store.events.head()).toBe(2 ** 39 - 1)
})

test('a position beyond 2^53 - 1 is refused before anything is stored, and by every read', async () => {
  const { store, schema } = await newStore(database.pool)
  await database.query(`alter sequence "${schema}".events_position_seq restart with ${Number.MAX_SAFE_INTEGER}`)
  const overflow = { code: 'PositionOverflow' }
  expect(await store.events.append('s', added(1))).toMatchObject({ position: Number.MAX_SAFE_INTEGER })
  await expect(store.events.append('s', added(1))).rejects.toMatchObject(overflow)
  await expect(store.transaction((tx) => tx.events.append('s', added(1)))).rejects.toMatchObject(overflow)
  const together = await Promise.allSettled(['a', 'b', 'c'].map((id) => store.events.append(id, added(1))))
  expect(together.map((one) => one.status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(await store.events.readStream('s').toArray()).toHaveLength(1)
  // Whatever a server of an older schema may have let in.
  await database.query(`
    insert into "${schema}".streams (stream_id, category, version) values ('old', 'counter', 1);
    insert into "${schema}".events (position, stream_no, version, stream_id, category, type, schema_version, data, event_id)
      overriding system value
      select 9007199254740993, stream_no, 1, stream_id, category, 'Added', 1, '{"n": 1}', gen_random_uuid()
        from "${schema}".streams where stream_id = 'old'`)
  await expect(store.events.readStream('old').toArray()).rejects.toMatchObject(overflow)
})

test('a head beyond 2^53 - 1 is refused', async () => {
  const { store, schema } = await newStore(database.pool)
  await database.query(`alter sequence "${schema}".events_position_seq no maxvalue`)
  await database.query(`select setval('"${schema}".events_position_seq', 9007199254740993)`)
  await expect(store.events.head()).rejects.toMatchObject({ code: 'PositionOverflow' })
  await expect(store.events.readAll().toArray()).rejects.toMatchObject({ code: 'PositionOverflow' })
})

test.each([2 ** 31 - 1, 2 ** 32, 2 ** 53 - 3])('versions are exact from %d on', async (version) => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s', added(1))
  await database.query(`update "${schema}".streams set version = ${version}`)
  expect(await store.events.append('s', added(2), { expected: version })).toMatchObject({ version: version + 2 })
  await expect(store.events.append('s', added(1), { expected: version })).rejects.toMatchObject({ actual: version + 2 })
  const events = await store.events.readStream('s', { from: version }).toArray()
  expect(events.map((event) => event.version)).toEqual([version + 1, version + 2])
})

test('a version beyond 2^53 - 1 is refused, and nothing is stored', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('s', added(1))
  await database.query(`update "${schema}".streams set version = ${Number.MAX_SAFE_INTEGER}`)
  await expect(store.events.append('s', added(1))).rejects.toMatchObject({ code: 'PositionOverflow' })
  await expect(store.events.append('s', added(1), { idempotencyKey: 'k' })).rejects.toMatchObject({
    code: 'PositionOverflow',
  })
  await expect(store.events.append('s', added(1), { expected: 3 })).rejects.toMatchObject({
    code: 'VersionConflict',
    actual: Number.MAX_SAFE_INTEGER,
  })
  expect(await store.events.readStream('s').toArray()).toHaveLength(1)
})

test('a sequence of stream numbers that lags is named, before a stream takes the number of another', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('a', added(1))
  // Also after a failed append, which draws a number all the same.
  const fallBack = () => database.query(`select setval('"${schema}".streams_stream_no_seq', 1, false)`)
  const behind = { code: 'SequenceBehind' }
  await fallBack()
  await expect(store.events.append('b', added(1))).rejects.toMatchObject(behind)
  await fallBack()
  await expect(store.transaction((tx) => tx.events.append('b', added(1)))).rejects.toMatchObject(behind)
  await fallBack()
  await expect(storeOn({ connect: () => database.pool.connect() }, schema).events.head()).rejects.toMatchObject(behind)
  await database.query(`select setval('"${schema}".streams_stream_no_seq', 1)`)
  expect(await store.events.append('b', added(1))).toMatchObject({ version: 1 })
})
