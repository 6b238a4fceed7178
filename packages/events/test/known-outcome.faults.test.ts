import { isRillflowError } from '@rillflow/core'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FaultyProxy } from '../../../test/reliability/support/faulty-proxy.js'
import type { ExpectedVersion } from '../src/index.js'
import { backendOf, untilBlockedBy } from './support/blocking.js'
import { added, newStore, storeOn, type TestStore, type TestStoreOptions } from './support/test-store.js'
import { openPool } from './support/open-pool.js'
import { until } from './support/until.js'

let server: EmbeddedPostgres
let direct: pg.Pool
let proxy: FaultyProxy
let pools: pg.Pool[] = []
/** On the server itself, to look at what became of things. */
let truth: TestStore
let schema: string

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
  direct = openPool(server.url, 6)
})

afterAll(async () => {
  await direct.end()
  await server.stop()
})

beforeEach(async () => {
  proxy = await FaultyProxy.start(server.url)
  ;({ store: truth, schema } = await newStore(direct))
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  await Promise.all(pools.map((pool) => pool.end()))
  pools = []
})

/** A store behind the proxy, with a connection that is made already. */
async function openStore(options: TestStoreOptions & pg.PoolConfig = {}): Promise<TestStore> {
  const { max = 3, query_timeout, connectionTimeoutMillis, ...rest } = options
  const pool = new pg.Pool({ connectionString: proxy.url, max, query_timeout, connectionTimeoutMillis })
  pool.on('error', () => undefined)
  pools.push(pool)
  const store = storeOn(pool, schema, rest)
  await store.events.head()
  return store
}

/** The versions and numbers of a stream. */
async function stored(streamId: string): Promise<readonly (readonly [version: number, n: number])[]> {
  const events = await truth.events.readStream(streamId).toArray()
  return events.map((event) => [event.version, (event.data as { n: number }).n])
}

/** What an append came to: its version, or the code of its error. */
async function ending(append: Promise<{ readonly version: number }>): Promise<number | string> {
  try {
    return (await append).version
  } catch (error) {
    if (!isRillflowError(error)) throw error
    return error.code
  }
}

/** The pool has no broken connection left, and no connection is lost to it. */
async function expectWhole(store: TestStore, pool = pools.at(-1) as pg.Pool): Promise<void> {
  expect(await store.events.append('afterwards', added(1))).toMatchObject({ streamId: 'afterwards' })
  expect(pool.waitingCount).toBe(0)
  expect(pool.idleCount).toBe(pool.totalCount)
}

describe('cut between the commit and its answer', () => {
  test.each<readonly [expected: ExpectedVersion, before: number, count: number]>([
    ['any', 0, 1],
    ['any', 3, 1],
    ['noStream', 0, 3],
    ['streamExists', 2, 2],
    [2, 2, 1],
    [4, 4, 50],
  ])('expected %s of a stream at %d, %d events: the original result', async (expected, before, count) => {
    if (before > 0) await truth.events.append('s', added(before))
    const store = await openStore()
    proxy.arm('reply')
    const result = await store.events.append('s', added(count, before + 1), { expected })
    expect(proxy.armed, 'the fault has struck').toBe(false)
    const events = await truth.events.readStream('s').toArray()
    expect(await stored('s')).toEqual(Array.from({ length: before + count }, (_, n) => [n + 1, n + 1]))
    expect(result).toEqual({
      streamId: 's',
      version: before + count,
      position: events.at(-1)?.position,
      eventIds: events.slice(before).map((event) => event.id),
    })
    await expectWhole(store)
  })

  test('a batch: each member its own truth', async () => {
    await truth.events.append('taken', added(2))
    await truth.events.append('keyed', added(1, 5), { idempotencyKey: 'k' })
    await truth.events.append('mismatched', added(1), { idempotencyKey: 'k' })
    const store = await openStore()
    proxy.arm('reply')
    const endings = await Promise.all([
      ending(store.events.append('a', added(2))),
      ending(store.events.append('taken', added(1), { expected: 7 })),
      ending(store.events.append('b', added(3), { expected: 'noStream' })),
      ending(store.events.append('keyed', added(1, 5), { idempotencyKey: 'k' })),
      ending(store.events.append('mismatched', added(1, 9), { idempotencyKey: 'k' })),
      ending(store.events.append('a', added(1, 3))),
    ])
    expect(proxy.armed).toBe(false)
    expect(endings).toEqual([2, 'VersionConflict', 3, 1, 'IdempotencyMismatch', 3])
    const counts = await Promise.all(['a', 'taken', 'b', 'keyed', 'mismatched'].map(stored))
    expect(counts.map((events) => events.length)).toEqual([3, 2, 3, 1, 1])
    await expectWhole(store)
  })

  test('a batch of which one member cannot be asked about again: the others keep their results', async () => {
    await truth.events.append('held', added(1))
    const store = await openStore()
    // The batch refuses the append to "held" with a conflict; asked again by itself, it meets this.
    await direct.query(`
      create function "${schema}".forbid() returns trigger language plpgsql as
        $$ begin raise exception 'not alone' using errcode = 'RF998'; end $$;
      create trigger forbid before update on "${schema}".streams for each statement
        when (current_query() like '%rillflow:append_one_exact%') execute function "${schema}".forbid()`)
    proxy.arm('reply')
    const endings = await Promise.all([
      ending(store.events.append('a', added(1))),
      ending(store.events.append('held', added(1), { expected: 7 })),
      ending(store.events.append('b', added(1))),
    ])
    expect(proxy.armed).toBe(false)
    expect(endings).toEqual([1, 'DatabaseError', 1])
    expect(await stored('a')).toHaveLength(1)
    expect(await stored('b')).toHaveLength(1)
    expect(await stored('held')).toHaveLength(1)
  })
})

describe('cut before the server has the statement', () => {
  test('a lone append: ConnectionLost, nothing stored', async () => {
    const store = await openStore()
    proxy.arm('request')
    const append = store.events.append('s', added(2))
    await expect(append).rejects.toMatchObject({ code: 'ConnectionLost' })
    await expect(append).rejects.toThrow(/nothing of this append was stored/)
    expect(await stored('s')).toEqual([])
    await expectWhole(store)
  })

  test('a batch: every member is told, and may simply be made again', async () => {
    const store = await openStore()
    const appendAll = (): Promise<readonly (number | string)[]> =>
      Promise.all(['a', 'b', 'a'].map((id, n) => ending(store.events.append(id, added(1, n)))))
    proxy.arm('request')
    expect(await appendAll()).toEqual(['ConnectionLost', 'ConnectionLost', 'ConnectionLost'])
    expect(await truth.events.readAll().toArray()).toEqual([])
    expect(await appendAll()).toEqual([1, 1, 2])
    await expectWhole(store)
  })

  test('by an administrator, while it waits for a lock: nothing stored', async () => {
    await truth.events.append('held', added(1))
    const store = await openStore()
    await whileHeld('held', async ({ pid }) => {
      const append = ending(store.events.append('held', added(1)))
      await untilBlockedBy(direct, pid)
      const { rowCount } = await direct.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where $1 = any(pg_blocking_pids(pid))`,
        [pid],
      )
      expect(rowCount).toBe(1)
      expect(await append).toBe('ConnectionLost')
    })
    expect(await stored('held')).toHaveLength(1)
    await expectWhole(store)
  })

  test('when no connection can be made at all: ConnectionLost at once, for nothing was sent', async () => {
    const store = await openStore({ max: 1 })
    await proxy[Symbol.asyncDispose]()
    // Once the pool knows that its connection is gone; before that it would send on it, and wonder.
    await until(() => pools.at(-1)?.totalCount === 0)
    const append = store.events.append('s', added(1))
    await expect(append).rejects.toMatchObject({ code: 'ConnectionLost' })
    expect(await stored('s')).toEqual([])
  })
})

describe('the look for what became of it fails too', () => {
  test.each([
    ['its question', /rillflow:lost_backend/, 'request'],
    ['the answer', /rillflow:lost_backend/, 'reply'],
    ['the question for the events', /rf_find_appended/, 'request'],
    ['the answer about the events', /rf_find_appended/, 'reply'],
  ] as const)('%s is cut: it looks again', async (_, statement, fault) => {
    const store = await openStore()
    const append = Promise.all(['a', 'b'].map((id) => ending(store.events.append(id, added(1)))))
    proxy.arm('reply')
    await proxy.untilStruck()
    proxy.arm(fault, statement)
    expect(await append).toEqual([1, 1])
    expect(proxy.armed).toBe(false)
    expect((await stored('a')).length + (await stored('b')).length).toBe(2)
    await expectWhole(store)
  })

  test('the server refuses it: nothing is sent again, and the outcome is unknown', async () => {
    const store = await openStore({ outcomeTimeout: 150 })
    // As the last thing of its transaction, the batch makes the streams unreadable.
    await direct.query(`
      create function "${schema}".spoil() returns trigger language plpgsql as $$ begin
        if to_regclass('"${schema}".kept') is null then
          alter table "${schema}".streams rename to kept;
          create view "${schema}".streams as
            select k.stream_id, (1 / (random() * 0)::int)::bigint as stream_no from "${schema}".kept k;
        end if;
        return null;
      end $$;
      create constraint trigger spoil after insert on "${schema}".events deferrable initially deferred
        for each row execute function "${schema}".spoil()`)
    proxy.arm('reply')
    const endings = await Promise.all(['a', 'b'].map((id) => ending(store.events.append(id, added(1)))))
    expect(endings).toEqual(['CommitOutcomeUnknown', 'CommitOutcomeUnknown'])
    const { rows } = await direct.query(`select stream_id from "${schema}".events order by stream_id`)
    expect(rows).toEqual([{ stream_id: 'a' }, { stream_id: 'b' }])
  })
})

test('ids that were stored before do not tell that the batch around them is over', async () => {
  await truth.events.append('held', added(1))
  const event = { type: 'Added', data: { n: 1 }, id: '01900000-0000-7000-8000-000000000000' } as const
  const key = { idempotencyKey: 'k' }
  const first = await truth.events.append('keyed', [event], key)
  const store = await openStore({ outcomeTimeout: 60_000 })
  await whileHeld('held', async ({ pid, letGo }) => {
    const outcomes = Promise.all([store.events.append('held', added(1, 2)), store.events.append('keyed', [event], key)])
    await untilBlockedBy(direct, pid)
    expect(proxy.cut('rf_append')).toBe(1)
    // Time enough to find the old event, and to be wrong about the other one.
    for (let look = 0; look < 50; look += 1) await truth.events.head()
    await untilBlockedBy(direct, pid)
    await letGo()
    expect(await outcomes).toEqual([expect.objectContaining({ version: 2 }), first])
  })
  expect(await stored('held')).toEqual([
    [1, 1],
    [2, 2],
  ])
})

/** Runs `work` while a transaction of the test's own holds a stream. */
async function whileHeld(
  streamId: string,
  work: (held: { pid: number; letGo: () => Promise<void> }) => Promise<void>,
): Promise<void> {
  const holder = await direct.connect()
  try {
    await holder.query('begin')
    await holder.query(`select from "${schema}".streams where stream_id = $1 for update`, [streamId])
    await work({ pid: await backendOf(holder), letGo: async () => void (await holder.query('commit')) })
  } finally {
    await holder.query('rollback')
    holder.release()
  }
}

describe('the statement goes on in the server when its connection is cut', () => {
  test('and ends in time: the original result', async () => {
    await truth.events.append('held', added(1))
    const store = await openStore({ outcomeTimeout: 60_000 })
    await whileHeld('held', async ({ pid, letGo }) => {
      const append = store.events.append('held', added(2, 2), { expected: 1 })
      await untilBlockedBy(direct, pid)
      expect(proxy.cut('rf_append')).toBe(1)
      // It is still there, so nobody may say that nothing was stored; the store asks on.
      let told = false
      const tell = (): void => void (told = true)
      append.then(tell, tell)
      for (let look = 0; look < 20; look += 1) await truth.events.head()
      expect(told).toBe(false)
      await letGo()
      expect(await append).toMatchObject({ version: 3 })
    })
    expect(await stored('held')).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    await expectWhole(store)
  })

  test('and outlives the budget: CommitOutcomeUnknown, which is the truth', async () => {
    await truth.events.append('held', added(1))
    const store = await openStore({ outcomeTimeout: 150 })
    await whileHeld('held', async ({ pid, letGo }) => {
      const endings = Promise.all([
        ending(store.events.append('held', added(1, 2))),
        ending(store.events.append('mate', added(1))),
      ])
      await untilBlockedBy(direct, pid)
      expect(proxy.cut('rf_append')).toBe(1)
      expect(await endings).toEqual(['CommitOutcomeUnknown', 'CommitOutcomeUnknown'])
      expect(await stored('mate')).toEqual([])
      await letGo()
    })
    // The zombie has committed after all.
    await until(async () => (await stored('mate')).length > 0)
    expect(await stored('held')).toHaveLength(2)
    expect(await stored('mate')).toHaveLength(1)
    await expectWhole(store)
  })
})

describe('silence instead of an end, on a pool whose queries time out', () => {
  const patient = { query_timeout: 1_000, outcomeTimeout: 60_000 }

  test('after the commit: the original result', async () => {
    const store = await openStore(patient)
    proxy.arm('silentReply')
    expect(await store.events.append('s', added(2))).toMatchObject({ version: 2 })
    expect(proxy.armed).toBe(false)
    expect(await stored('s')).toHaveLength(2)
    await expectWhole(store)
  })

  test('before the server has it: the process is there, so the outcome is unknown', async () => {
    const store = await openStore({ ...patient, outcomeTimeout: 300 })
    proxy.arm('silentRequest')
    // The pool says goodbye to the connection; the server does not hear that either.
    expect(await ending(store.events.append('s', added(2)))).toBe('CommitOutcomeUnknown')
    expect(await stored('s')).toEqual([])
    await expectWhole(store)
  })
})

test('when the next connection is half open too, the outcome is unknown within the budget', async () => {
  const store = await openStore({ outcomeTimeout: 300 })
  // Two connections: the append uses one, and the look for its outcome would wait on the other for ever.
  await Promise.all([store.events.head(), store.events.head()])
  expect(pools.at(-1)?.totalCount).toBe(2)
  await truth.events.append('held', added(1))
  await whileHeld('held', async ({ pid }) => {
    const append = ending(store.events.append('held', added(1)))
    await untilBlockedBy(direct, pid)
    proxy.silence('')
    proxy.cut('rf_append')
    expect(await append).toBe('CommitOutcomeUnknown')
  })
  proxy.cut()
})

test('an idempotency key makes an unknown outcome known', async () => {
  await truth.events.append('held', added(1))
  const store = await openStore({ outcomeTimeout: 150 })
  const append = (): Promise<number | string> =>
    ending(store.events.append('held', added(1, 2), { idempotencyKey: 'once' }))
  await whileHeld('held', async ({ pid, letGo }) => {
    const first = append()
    await untilBlockedBy(direct, pid)
    expect(proxy.cut('rf_append')).toBe(1)
    expect(await first).toBe('CommitOutcomeUnknown')
    const zombie = await zombieOf(pid)
    // The second one waits for the key that the zombie holds.
    const second = append()
    await untilBlockedBy(direct, zombie)
    await letGo()
    expect(await second).toBe(2)
  })
  expect(await stored('held')).toEqual([
    [1, 1],
    [2, 2],
  ])
})

/** The process that waits for `holder`. */
async function zombieOf(holder: number): Promise<number> {
  const { rows } = await direct.query<{ pid: number }>(
    'select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
    [holder],
  )
  return rows[0]?.pid ?? 0
}
