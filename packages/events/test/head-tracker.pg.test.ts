import { setTimeout as pause } from 'node:timers/promises'
import { internalsOf, silentLogger } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import type { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Listener } from '../src/head/listener.js'
import { CountingPool } from './support/counting-pool.js'
import { added, newStore, storeOn, type TestStore, type TestStoreOptions } from './support/test-store.js'
import { openPool } from './support/open-pool.js'
import { until } from './support/until.js'

const database = useDatabase({ max: 8 })
const ways = [{ wakeUps: true }, { wakeUps: false }]

let schema: string
/** A store that shares nothing with those that wait, as one of another process. */
let elsewhere: TestStore
let pools: Pool[]
let stores: TestStore[]

beforeEach(async () => {
  ;({ schema } = await newStore(database.pool))
  pools = []
  stores = []
  elsewhere = open({ wakeUps: true })
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await Promise.all(pools.map((pool) => pool.end()))
  // Who listens does not wait for the server's goodbye; the next test counts those that are there.
  await until(async () => (await listening()).length === 0)
})

function open(options: TestStoreOptions = {}): TestStore {
  const pool = openPool(database.url, 2)
  pools.push(pool)
  const store = storeOn(pool, schema, options)
  stores.push(store)
  return store
}

/** The processes that listen in this database: the last statement of each is that, or a heartbeat. */
async function listening(): Promise<readonly number[]> {
  const { rows } = await database.query<{ pid: number }>(
    `select pid from pg_stat_activity
      where datname = current_database() and query in ('listen rillflow', 'select 1')`,
  )
  return rows.map(({ pid }) => pid)
}

describe.each(ways)('waitForHead, wake-ups $wakeUps', (how) => {
  test('gives a head that is beyond already', async () => {
    const store = open(how)
    await store.events.append('s', added(3))
    expect(await store.events.waitForHead(2)).toBe(3)
    expect(await store.events.waitForHead(0)).toBe(3)
  })

  test('comes to an append of its own store', async () => {
    const store = open(how)
    const waiting = store.events.waitForHead(0)
    await store.events.append('s', added(1))
    expect(await waiting).toBe(1)
  })

  test('comes to an append of another store, one by one and many waiting', async () => {
    const store = open(how)
    for (let position = 1; position <= 3; position += 1) {
      const waiting = Array.from({ length: 20 }, () => store.events.waitForHead(position - 1))
      await elsewhere.events.append('s', added(1))
      expect(new Set(await Promise.all(waiting))).toEqual(new Set([position]))
    }
  })

  test('comes to a commit that nobody tells of', async () => {
    const store = open(how)
    const waiting = store.events.waitForHead(0)
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      await elsewhere.transaction({ client }, (tx) => tx.events.append('s', added(2)))
      await client.query('commit')
    } finally {
      client.release()
    }
    expect(await waiting).toBe(2)
  })

  test('stays below a transaction that is open, and comes when it ends', async () => {
    const store = open(how)
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      await elsewhere.transaction({ client }, (tx) => tx.events.append('open', added(1)))
      let head = 0
      const waiting = store.events.waitForHead(0).then((told) => (head = told))
      await store.events.append('later', added(2))
      for (let look = 0; look < 20; look += 1) expect(await store.events.head()).toBe(0)
      expect(head).toBe(0)
      await client.query('commit')
      expect(await waiting).toBe(3)
    } finally {
      client.release()
    }
  })

  test('ends with the reason of its signal', async () => {
    const store = open(how)
    const controller = new AbortController()
    const waiting = store.events.waitForHead(0, { signal: controller.signal })
    const other = store.events.waitForHead(0)
    const reason = new Error('no longer')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(store.events.waitForHead(0, { signal: controller.signal })).rejects.toBe(reason)
    await store.events.append('s', added(1))
    expect(await other).toBe(1)
  })

  test('ends when the store is closed, and cannot begin after that', async () => {
    const store = open(how)
    const ended = store.events.waitForHead(0).catch((error: unknown) => error)
    await store.close()
    expect(await ended).toMatchObject({ code: 'InvalidState' })
    await expect(store.events.waitForHead(0)).rejects.toMatchObject({ code: 'InvalidState' })
    await until(async () => (await listening()).length === 0)
  })
})

test.each([-1, 0.5, Number.NaN, '1'])('%s is no position to wait beyond', async (after) => {
  await expect(elsewhere.events.waitForHead(after as number)).rejects.toMatchObject({ code: 'InvalidArgument' })
})

test('a sequence that lags its table is told to who waits', async () => {
  await elsewhere.events.append('s', added(3))
  await database.query(`select setval('"${schema}".events_position_seq', 1)`)
  await expect(open().events.waitForHead(3)).rejects.toMatchObject({ code: 'SequenceBehind' })
})

test('while nothing happens, many who wait cost about one statement a second', async () => {
  const counted = new CountingPool(database.pool)
  const store = storeOn(counted, schema, { wakeUps: true })
  stores.push(store)
  const waiting = Array.from({ length: 20 }, () => store.events.waitForHead(0))
  await pause(3_000)
  // The looks right after the beginning come fast, for somebody may be about to commit.
  expect(counted.take().length).toBeLessThanOrEqual(15)
  await store.events.append('s', added(1))
  await Promise.all(waiting)
})

describe('the connection that listens', () => {
  test('is one for a store, however many wait, and none for a store where nobody does', async () => {
    const store = open({ wakeUps: true })
    await store.events.append('s', added(1))
    expect(await listening()).toEqual([])
    const waiting = Array.from({ length: 20 }, () => store.events.waitForHead(1))
    await until(async () => (await listening()).length === 1)
    await store.events.append('s', added(1))
    await Promise.all(waiting)
    expect(await listening()).toHaveLength(1)
  })

  /** The wake-ups that a listener hears; they carry the schema, or nothing after a new connection. */
  async function withListener(work: (heard: (string | undefined)[]) => Promise<void>): Promise<void> {
    const heard: (string | undefined)[] = []
    const listener = new Listener(internalsOf(elsewhere).connection, silentLogger, (told) => void heard.push(told))
    listener.start()
    try {
      await until(() => heard.length === 1)
      expect(heard).toEqual([undefined])
      await work(heard)
    } finally {
      await listener.close()
    }
  }

  const kinds: readonly (readonly [what: string, append: () => Promise<unknown>])[] = [
    ['a lone append', () => elsewhere.events.append('s', added(1))],
    ['a batch', () => Promise.all(['a', 'b', 'c'].map((id) => elsewhere.events.append(id, added(1))))],
    ['a transaction', () => elsewhere.transaction((tx) => tx.events.append('s', added(1)))],
    [
      'a session',
      () => {
        const session = elsewhere.session()
        session.events.append('s', added(1))
        return session.saveChanges()
      },
    ],
  ]

  test.each(kinds)('hears of %s, by the name of its schema', async (_, append) => {
    await withListener(async (heard) => {
      await append()
      await until(() => heard.length > 1)
      expect(heard[1]).toBe(schema)
    })
  })

  test('hears of the last append of a burst too', async () => {
    await withListener(async (heard) => {
      for (let n = 0; n < 100; n += 1) await elsewhere.events.append('s', added(1))
      await until(() => heard.length > 1)
      const before = heard.length
      await elsewhere.events.append('s', added(1))
      await until(() => heard.length > before)
      expect(heard.at(-1)).toBe(schema)
    })
  })

  test('is made again when the server ends it, and tells that something may have been missed', async () => {
    await withListener(async (heard) => {
      const [pid] = await listening()
      await database.query('select pg_terminate_backend($1)', [pid])
      await until(() => heard.length === 2)
      expect(heard).toEqual([undefined, undefined])
      await elsewhere.events.append('s', added(1))
      await until(() => heard.length > 2)
      expect(heard[2]).toBe(schema)
    })
  })
})
