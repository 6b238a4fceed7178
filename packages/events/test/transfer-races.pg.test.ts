import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { backendOf, inTransaction, untilBlockedBy, waitsFor } from './support/blocking.js'
import { numbered } from './support/numbered.js'
import { openPool } from './support/open-pool.js'
import { added, eventsOf, newStore, storeOn } from './support/test-store.js'

const database = useDatabase({ max: 8 })

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
  await inTransaction(database.pool, async (client) => {
    await client.query(`select from "${schema}".streams for update`)
    const importing = store.events.import(numbered(3, ['s']))
    await untilBlockedBy(database.pool, await backendOf(client))
    await store.events.append('other', added(1))
    expect(await store.events.head()).toBe(2)
    await client.query('commit')
    expect(await importing).toMatchObject({ events: 3, position: 5 })
  })
})

test('an import takes streams in the order of every other writer', async () => {
  const { store } = await newStore(database.pool)
  // In UTF-16, the order that appends go by, the emoji comes first; in bytes it would come last.
  const [first, second] = ['😀', '～'] as const
  await store.events.append(first, added(1))
  await store.events.append(second, added(1))
  await inTransaction(database.pool, async (client) => {
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
  })
  expect(await store.events.verify()).toEqual([])
})

test('an import that the server ends to break a deadlock is tried again', async () => {
  const { store, schema } = await newStore(database.pool)
  await store.events.append('a', added(1))
  await store.events.append('b', added(1))
  const pool = openPool(`${database.url}?options=-c%20deadlock_timeout%3D3s`, 2)
  const importer = storeOn(pool, schema)
  const client = await database.pool.connect()
  try {
    // This one never looks for a deadlock, and the import once, long after both wait: so the import is the one that is ended.
    await client.query("begin; set local deadlock_timeout = '1h'")
    await store.transaction({ client }, (tx) => tx.events.append('b', added(1)))
    const importing = importer.events.import(numbered(4, ['a', 'b']))
    await untilBlockedBy(database.pool, await backendOf(client))
    await store.transaction({ client }, (tx) => tx.events.append('a', added(1)))
    await client.query('commit')
    expect(await importing).toMatchObject({ events: 4 })
  } finally {
    await client.query('rollback')
    client.release()
    await importer.close()
    await pool.end()
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
