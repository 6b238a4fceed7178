import { setTimeout as pause } from 'node:timers/promises'
import type { RebuildProgress } from '@rillflow/projections'
import { useDatabase } from '@rillflow/testing/vitest'
import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { deposits, kindNames, kinds, type Accounts, type Kind } from './support/workers/accounts.js'
import { openStore, storeOn, type AccountStore } from './support/workers/open-store.js'
import { brief, quick, startWorkers } from './support/workers/start-workers.js'
import { SteppedPool } from './support/workers/stepped-pool.js'
import { untilBlocked } from './support/workers/until.js'

const database = useDatabase({ max: 40 })
vi.setConfig({ testTimeout: 120_000 })
const patient = { timeout: 60_000 }

/** How far callers may be ahead of a rebuild, in events: one worker alone must be able to come up with them. */
const lead = 200

/** Appends to some accounts by several callers at once, until it is told to end. */
function startLoad(store: AccountStore, callers: number) {
  const paid = new Map<string, number>()
  const now = { isOver: false, last: 0, followed: 0 }
  const call = async (caller: number): Promise<void> => {
    for (let n = 0; !now.isOver && n < 2_000; n += 1) {
      const id = `a-${(caller + n) % 10}`
      const { position } = await store.events.append(id, deposits(1 + (n % 3)))
      paid.set(id, (paid.get(id) ?? 0) + 1 + (n % 3))
      now.last = Math.max(now.last, position)
      while (!now.isOver && now.last > now.followed + lead) await pause(1)
    }
  }
  const calls = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  return {
    /** Goes on, as a rebuild has come so far. */
    follow: ({ position }: RebuildProgress): void => {
      now.followed = position
    },
    /** Goes on with nothing that follows. */
    free: (): void => {
      now.followed = Number.POSITIVE_INFINITY
    },
    /** What was paid in. */
    end: async () => {
      now.isOver = true
      await calls
      return { paid, last: now.last }
    },
  }
}

const sum = (accounts: Accounts): number => Object.values(accounts).reduce((all, { total }) => all + total, 0)

/** Reads all the time, and keeps what no reader should see. */
function startReader(kind: Kind, schema: string) {
  const wrong: string[] = []
  const now = { isOver: false, looks: 0 }
  const reading = (async () => {
    for (let before = 0; !now.isOver; now.looks += 1) {
      const accounts = await kind.read(database.pool, schema)
      const total = sum(accounts)
      const made = new Set(Object.values(accounts).map((account) => account.made))
      if (made.size > 1) wrong.push(`some of each: ${[...made].join()}`)
      if (total < before) wrong.push(`${total} after ${before}`)
      before = total
    }
  })()
  return {
    end: async () => {
      now.isOver = true
      await reading
      expect(now.looks).toBeGreaterThan(1)
      return wrong
    },
  }
}

function expectPaid(accounts: Accounts, paid: ReadonlyMap<string, number>, made: number): void {
  const wanted = [...paid].map(([id, total]) => [id, { total, count: total, made, tag: null }])
  expect(accounts).toEqual(Object.fromEntries(wanted))
}

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('R22: under load readers see the old or the new, whole, and in the end it is the fold of its events', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    const newer = storeOn(database.pool, schema, [kind.define({ version: 2 })])
    await store.events.append('a-0', deposits(1_500))
    await store.projections.runUntilIdle()
    await using old = startWorkers(store, { batchSize: 20 })
    const load = startLoad(store, 6)
    const reader = startReader(kind, schema)
    await newer.projections.rebuild('accounts', { retry: quick, onProgress: load.follow })
    load.free()
    // What the old code had in hand was undone, and it gets no lease any more.
    const swapped = await kind.read(database.pool, schema)
    expect(new Set(Object.values(swapped).map(({ made }) => made))).toEqual(new Set([2]))
    await using fresh = startWorkers(newer)
    const { paid, last } = await load.end()
    await newer.projections.waitFor('accounts', last, patient)
    expect(await reader.end()).toEqual([])
    paid.set('a-0', (paid.get('a-0') ?? 0) + 1_500)
    expectPaid(await kind.read(database.pool, schema), paid, 2)
    expect(await newer.projections.status('accounts')).toMatchObject({ version: 2, rebuild: undefined })
    await Promise.all([old.stop(), fresh.stop()])
    await Promise.all([store.close(), newer.close()])
  })

  test('an inline one is rebuilt while 8 callers append, and loses and repeats nothing', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define({ mode: 'inline' })], {
      events: { groupCommit: false },
    })
    await store.events.append('a-0', deposits(1_500))
    const load = startLoad(store, 8)
    const reader = startReader(kind, schema)
    for (let n = 0; n < 2; n += 1) {
      await store.projections.rebuild('accounts', { retry: quick, onProgress: load.follow })
    }
    const { paid } = await load.end()
    expect(await reader.end()).toEqual([])
    paid.set('a-0', (paid.get('a-0') ?? 0) + 1_500)
    expectPaid(await kind.read(database.pool, schema), paid, 1)
    await store.close()
  })

  test('an append that is under way when an inline one is swapped is not lost', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define({ mode: 'inline' })])
    await store.events.append('a', deposits(2))
    const pool = new SteppedPool(database.pool)
    const slow = storeOn(pool, schema, [kind.define({ mode: 'inline' })])
    const step = pool.step('commit')
    const appending = slow.events.append('a', deposits(1))
    await step.reached
    const rebuilding = store.projections.rebuild('accounts', { retry: quick })
    await untilBlocked(database.pool)
    step.open()
    await Promise.all([appending, rebuilding])
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 3, count: 3 } })
    await Promise.all([store.close(), slow.close()])
  })

  test('a batch of the old code that is about to be stored when the new is swapped in is undone', async () => {
    const pool = new SteppedPool(database.pool)
    const { store, schema } = await openStore(pool, [kind.define()])
    const newer = storeOn(database.pool, schema, [kind.define({ version: 2 })])
    await store.events.append('a', deposits(5))
    await store.projections.runUntilIdle()
    const { position } = await store.events.append('a', deposits(3))
    const step = pool.step('advance_checkpoint')
    await using old = startWorkers(store)
    await step.reached
    const rebuilding = newer.projections.rebuild('accounts')
    // The swap waits for rows that the old code holds, which then waits for the checkpoint that the swap holds.
    await untilBlocked(database.pool)
    step.open()
    await rebuilding
    expect(await kind.read(database.pool, schema)).toEqual({ a: { total: 8, count: 8, made: 2, tag: null } })
    const { position: last } = await store.events.append('a', deposits(1))
    await newer.projections.runUntilIdle()
    await old.stop()
    expect(await kind.read(database.pool, schema)).toEqual({ a: { total: 9, count: 9, made: 2, tag: null } })
    expect(await newer.projections.status('accounts')).toMatchObject({ version: 2, position: last })
    expect(last).toBeGreaterThan(position)
    await newer.close()
  })
})

test('R22: a rebuild whose connections are ended ten times goes on, and comes to the same', async () => {
  const { store, schema } = await openStore(database.pool, [kinds.handler.define()])
  await store.events.append('a-0', deposits(1_000))
  await store.events.append('a-1', deposits(1_000))
  const pool = new pg.Pool({ connectionString: database.url, application_name: 'killed', max: 3 })
  pool.on('error', () => undefined)
  onTestFinished(() => pool.end())
  const other = storeOn(pool, schema, [kinds.handler.define()])
  const kills: Promise<unknown>[] = []
  const onProgress = (): void => {
    if (kills.length >= 10) return
    kills.push(
      database.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'killed'`),
    )
  }
  await other.projections.rebuild('accounts', { retry: quick, batchSize: 20, lease: brief, onProgress })
  await Promise.all(kills)
  expect(kills).toHaveLength(10)
  const wanted = new Map([
    ['a-0', 1_000],
    ['a-1', 1_000],
  ])
  expectPaid(await kinds.handler.read(database.pool, schema), wanted, 1)
  expect(await store.projections.deadLetters.list()).toEqual([])
  await other.close()
  await store.close()
})

test('an append that holds the head and waits for the swap hides no event from it', async () => {
  const { store, schema } = await openStore(database.pool, [kinds.collection.define({ mode: 'inline' })])
  await store.events.append('a', deposits(2))
  const client = await database.pool.connect()
  try {
    // A writer that has its floor, and has drawn no position yet.
    await client.query('begin')
    await client.query(`select ${await floorOf(schema)}`)
    await store.events.append('a', deposits(3))
    await store.projections.rebuild('accounts', { retry: quick })
    expect(await kinds.collection.read(database.pool, schema)).toMatchObject({ a: { total: 5, count: 5 } })
  } finally {
    await client.query('rollback')
    client.release()
  }
  await store.close()
})

/** The lock that appends take before they draw positions. */
async function floorOf(schema: string): Promise<string> {
  return `pg_advisory_xact_lock_shared(((s.tableoid::bigint & 16777215) << 40)
    | (coalesce(pg_catalog.pg_sequence_last_value(s.tableoid), s.last_value - 1) & 1099511627775))
    from "${schema}".events_position_seq s`
}
