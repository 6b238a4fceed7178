import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import type { PoolClient } from 'pg'
import { describe, expect, test } from 'vitest'
import { inTransaction } from './support/blocking.js'
import { floorLocks } from './support/floor-locks.js'
import { added, newStore, storeOn, type TestStore } from './support/test-store.js'
import { openPool } from './support/open-pool.js'

const database = useDatabase({ max: 6 })

/** Runs `work` with a connection inside a transaction, which is rolled back unless `work` ended it. */
async function withOpen(work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    await work(client)
  } finally {
    await client.query('rollback')
    await client.query('select pg_advisory_unlock_all()')
    client.release()
  }
}

function appendOn(client: PoolClient, store: TestStore, streamId: string): Promise<unknown> {
  return store.transaction({ client }, (tx) => tx.events.append(streamId, added(1)))
}

describe('the floor lock', () => {
  test('is taken once in a transaction of 100 appends, at the floor of the first one', async () => {
    const { store, schema } = await newStore(database.pool)
    await store.events.append('before', added(3))
    await store.transaction(async (tx) => {
      for (let turn = 1; turn <= 100; turn += 1) await tx.events.append(`s-${turn % 7}`, added(2))
      expect((await floorLocks(database.pool, schema)).map((lock) => lock.floor)).toEqual([3])
    })
    expect(await floorLocks(database.pool, schema)).toEqual([])
  })

  test('is there for every way to write: on the store, in a transaction, in a session', async () => {
    const { store, schema } = await newStore(database.pool)
    const session = store.session()
    session.events.append('session', added(1))
    await withOpen(async (client) => {
      await session.saveChanges({ client })
      expect(await floorLocks(database.pool, schema)).toHaveLength(1)
    })
    // Held for one statement only, by an append on the store; a trigger sees it there, when the position is drawn.
    await database.query(`
      create table "${schema}".seen (locks int, floor bigint);
      create function "${schema}".look() returns trigger language plpgsql as $$ begin
        insert into "${schema}".seen select count(*), min(objid::bigint) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
        return new; end $$;
      create trigger look before insert on "${schema}".events for each row execute function "${schema}".look()`)
    await store.events.append('lone', added(1))
    await store.events.append('lone', added(2), { expected: 1 })
    await store.events.append('none', added(1), { expected: 'noStream' })
    await Promise.all([1, 2, 3, 4].map((n) => store.events.append(`together-${n}`, added(1))))
    await store.transaction((tx) => tx.events.append('in-transaction', added(1)))
    const seen = await database.query<{ locks: number; floor: string }>(`select locks, floor from "${schema}".seen`)
    expect(seen.rows.map(({ locks }) => locks)).toEqual(Array.from({ length: 9 }, () => 1))
    expect(seen.rows.slice(0, 4).map(({ floor }) => Number(floor))).toEqual([1, 2, 2, 4])
    expect(await floorLocks(database.pool, schema)).toEqual([])
  })

  test('is taken again after a rollback to a savepoint has let go of it', async () => {
    const { store, schema } = await newStore(database.pool)
    await withOpen(async (client) => {
      await client.query('savepoint before_append')
      await appendOn(client, store, 'undone')
      expect(await floorLocks(database.pool, schema)).toHaveLength(1)
      await client.query('rollback to savepoint before_append')
      expect(await floorLocks(database.pool, schema)).toEqual([])
      await store.events.append('other', added(2))
      await appendOn(client, store, 'kept')
      expect((await floorLocks(database.pool, schema)).map((lock) => lock.floor)).toEqual([3])
      await store.events.append('later', added(1))
      expect(await store.events.head()).toBe(3)
      await client.query('commit')
    })
    expect((await store.events.readAll().toArray()).map((event) => event.streamId)).toEqual([
      'other',
      'other',
      'kept',
      'later',
    ])
  })

  test('of an append before a savepoint survives the rollback to it', async () => {
    const { store, schema } = await newStore(database.pool)
    await withOpen(async (client) => {
      await appendOn(client, store, 'kept')
      await client.query('savepoint after_append')
      await appendOn(client, store, 'undone')
      await client.query('rollback to savepoint after_append')
      expect((await floorLocks(database.pool, schema)).map((lock) => lock.floor)).toEqual([0])
      await store.events.append('later', added(1))
      expect(await store.events.head()).toBe(0)
      await client.query('commit')
    })
    expect(await store.events.head()).toBe(3)
  })

  test('is taken anew in the next transaction of the same connection', async () => {
    const { store, schema } = await newStore(database.pool)
    const client = await database.pool.connect()
    try {
      for (const floor of [0, 1, 2]) {
        await client.query('begin')
        await appendOn(client, store, 's')
        expect((await floorLocks(database.pool, schema)).map((lock) => lock.floor)).toEqual([floor])
        await client.query('commit')
      }
    } finally {
      client.release()
    }
  })

  test('is a lock for each store that one transaction writes to', async () => {
    const one = await newStore(database.pool)
    const other = await newStore(database.pool)
    await withOpen(async (client) => {
      await appendOn(client, one.store, 's')
      await appendOn(client, other.store, 's')
      await one.store.events.append('later', added(1))
      await other.store.events.append('later', added(1))
      expect([await one.store.events.head(), await other.store.events.head()]).toEqual([0, 0])
    })
  })
})

describe('the safe head', () => {
  test('is the lowest of several floors, and follows them as they go', async () => {
    const { store } = await newStore(database.pool)
    await withOpen(async (first) => {
      await appendOn(first, store, 'first')
      await withOpen(async (second) => {
        await appendOn(second, store, 'second')
        await store.events.append('third', added(1))
        expect(await store.events.head()).toBe(0)
        await first.query('commit')
        expect(await store.events.head()).toBe(1)
        await second.query('commit')
        expect(await store.events.head()).toBe(3)
      })
    })
  })

  test('is not held by a writer of another schema', async () => {
    const mine = await newStore(database.pool)
    const foreign = await newStore(database.pool)
    await withOpen(async (client) => {
      await appendOn(client, foreign.store, 's')
      await mine.store.events.append('s', added(2))
      expect(await mine.store.events.head()).toBe(2)
    })
  })

  test("is not held by locks of the user's own", async () => {
    const { store, schema } = await newStore(database.pool)
    const { rows } = await database.query<{ oid: string }>(
      `select ('"${schema}".events_position_seq'::regclass::oid::bigint & 16777215)::text as oid`,
    )
    const oid = BigInt(rows[0]?.oid ?? '0')
    const high = Number(BigInt.asIntN(32, oid << 8n))
    await withOpen(async (client) => {
      await client.query('select pg_advisory_lock_shared(1), pg_advisory_xact_lock(2), pg_advisory_lock_shared(3, 4)')
      // The two halves of the very key of floor 0, as a lock of two numbers.
      await client.query('select pg_advisory_lock_shared($1::int, 0), pg_advisory_xact_lock_shared($1::int, 0)', [high])
      // The neighbours of this sequence's oid.
      await client.query('select pg_advisory_xact_lock_shared(($1::bigint + 1) << 40)', [String(oid)])
      await client.query('select pg_advisory_xact_lock_shared(($1::bigint - 1) << 40)', [String(oid)])
      await store.events.append('s', added(2))
      expect(await store.events.head()).toBe(2)
    })
  })

  describe('in a clone of the database, where everything has the same numbers', () => {
    const options = { template: 'events-clones', migrate: migrateClone, max: 2 }
    const one = useDatabase(options)
    const other = useDatabase(options)

    test('is not held by a writer of the other database', async () => {
      const mine = storeOn(one.pool, 'clone')
      const foreign = storeOn(other.pool, 'clone')
      await inTransaction(other.pool, async (client) => {
        await appendOn(client, foreign, 's')
        await mine.events.append('s', added(2))
        expect(await mine.events.head()).toBe(2)
        await foreign.events.append('later', added(1))
        expect(await foreign.events.head()).toBe(0)
      })
    })
  })
})

async function migrateClone(url: string): Promise<void> {
  const pool = openPool(url, 1)
  await sync(storeOn(pool, 'clone'))
  await pool.end()
}
