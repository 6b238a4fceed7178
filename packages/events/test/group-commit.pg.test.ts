import { getEventListeners } from 'node:events'
import { createStore, isRillflowError, type Tenancy } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, describe, expect, test } from 'vitest'
import { events } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'
import { holdStream, type HeldStream } from './support/hold-stream.js'
import { added, families, newStore, storeOn, type TestStore, type TestStoreOptions } from './support/test-store.js'

const database = useDatabase({ max: 8 })

let schema: string
let pool: CountingPool
let store: TestStore

beforeEach(async () => {
  ;({ schema } = await newStore(database.pool))
  pool = new CountingPool(database.pool)
  store = open()
})

function open(options: TestStoreOptions = {}): TestStore {
  return storeOn(pool, schema, options)
}

/** How often each statement was sent since this was last asked. */
function sent(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { text } of pool.take()) {
    const operation = /rillflow:(\w+)/.exec(text)?.[1] ?? text
    counts[operation] = (counts[operation] ?? 0) + 1
  }
  return counts
}

/** The numbers stored in each stream, in the order of versions; versions are checked to be dense. */
async function stored(of: Pick<TestStore, 'events'> = store): Promise<Readonly<Record<string, readonly number[]>>> {
  const numbers: Record<string, number[]> = {}
  for await (const event of of.events.readAll({ pageSize: 5_000 })) {
    const list = (numbers[event.streamId] ??= [])
    list.push((event.data as { n: number }).n)
    expect(event.version, `${event.streamId} has no hole`).toBe(list.length)
  }
  return numbers
}

/** Runs `work` while a stream is held by a transaction of the test's own, which `work` or the end lets go. */
async function whileHeld(streamId: string, work: (held: HeldStream) => Promise<void>): Promise<void> {
  await store.events.append(streamId, added(1, 0))
  await holdStream(database.pool, { schema, streamId }, async (held) => {
    pool.take()
    await work(held)
  })
}

const codeOf = (append: Promise<unknown>): Promise<unknown> =>
  append.then(
    () => 'appended',
    (error: unknown) => (isRillflowError(error) ? error.code : error),
  )

describe('statements', () => {
  test('32 appends at once leave as one statement', async () => {
    const results = await Promise.all(
      Array.from({ length: 32 }, (_, n) => store.events.append(`s-${n}`, added(1, n), { expected: 'noStream' })),
    )
    expect(sent()).toEqual({ append: 1 })
    expect(results.map(({ streamId, version }) => `${streamId}@${version}`)).toEqual(
      Array.from({ length: 32 }, (_, n) => `s-${n}@1`),
    )
    expect(Object.keys(await stored())).toHaveLength(32)
  })

  test('32 callers, each with one append after the other: one commit for 16 of them at the least', async () => {
    // Notifications are transactions too.
    const awake = open({ wakeUps: true })
    const turns = 20
    await Promise.all(
      Array.from({ length: 32 }, async (_, caller) => {
        for (let n = 0; n < turns; n += 1) await awake.events.append(`s-${caller}`, added(1, n))
      }),
    )
    await awake.close()
    const statements = Object.values(sent()).reduce((sum, count) => sum + count, 0)
    expect(statements).toBeLessThanOrEqual((32 * turns) / 16)
    const numbers = Object.values(await stored())
    expect(numbers).toEqual(Array.from({ length: 32 }, () => Array.from({ length: turns }, (_, n) => n)))
  })

  test('a lone caller has the lone statement each time, and shares it with nobody', async () => {
    for (let n = 0; n < 5; n += 1) await store.events.append('s', added(1, n), { expected: n })
    expect(sent()).toEqual({ append_one_none: 1, append_one_exact: 4 })
  })

  test('without group commit each append is a statement', async () => {
    const alone = open({ groupCommit: false })
    await Promise.all(Array.from({ length: 10 }, (_, n) => alone.events.append(`s-${n}`, added(1, n))))
    expect(sent()).toEqual({ append_one_any: 10 })
    await expect(alone.events.append('s', added(1), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'Aborted',
    })
    expect(sent()).toEqual({})
  })

  test('never more than two statements are out, however many callers', async () => {
    let most = 0
    const watched = storeOn(
      {
        connect: async () => {
          const client = await pool.connect()
          most = Math.max(most, pool.lent)
          return client
        },
      },
      schema,
    )
    await Promise.all(
      Array.from({ length: 400 }, async (_, caller) => {
        // Five events each: one statement cannot carry them all.
        for (let n = 0; n < 10; n += 5) await watched.events.append(`s-${caller}`, added(5, n))
      }),
    )
    expect(most, 'with 400 callers the second one pays').toBe(2)
    expect(Object.values(await stored())).toEqual(Array.from({ length: 400 }, () => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
  })
})

describe('outcomes', () => {
  test('each caller has its own result or its own conflict', async () => {
    for (const id of ['a', 'b', 'c']) await store.events.append(id, added(2))
    pool.take()
    const outcomes = await Promise.all(
      (
        [
          ['a', 'any'],
          ['b', 7],
          ['new', 'noStream'],
          ['c', 'noStream'],
          ['gone', 'streamExists'],
          ['b', 2],
          ['a', 3],
        ] as const
      ).map(([streamId, expected]) =>
        store.events.append(streamId, added(1), { expected }).then(
          ({ version }) => `${streamId}@${version}`,
          (error: unknown) => {
            expect(isRillflowError(error, 'VersionConflict')).toBe(true)
            const { id, actual, expected: told } = error as Record<string, unknown>
            return `${String(id)}: ${String(told)} is ${String(actual)}`
          },
        ),
      ),
    )
    expect(outcomes).toEqual(['a@3', 'b: 7 is 2', 'new@1', 'c: noStream is 2', 'gone: streamExists is 0', 'b@3', 'a@4'])
    expect(sent()).toEqual({ append: 1 })
  })

  test('16 callers with expected versions on one stream: one wins each version, the others learn the actual one', async () => {
    const each = 5
    const callers = 16
    await Promise.all(
      Array.from({ length: callers }, async () => {
        let expected = 0
        // A conflict tells that somebody else has appended, which happens so often at the most.
        for (let mine = 0, attempt = 0; mine < each && attempt < callers * each; attempt += 1) {
          try {
            expected = (await store.events.append('hot', added(1), { expected })).version
            mine += 1
          } catch (error) {
            if (!isRillflowError(error, 'VersionConflict')) throw error
            const { actual } = error as unknown as { actual: number }
            expect(actual).toBeGreaterThan(expected)
            expected = actual
          }
        }
      }),
    )
    expect((await stored())['hot']).toHaveLength(callers * each)
  })

  test('a stream keeps the order in which its appends came, also over several flights', async () => {
    const streams = ['a', 'b', 'c']
    await Promise.all(Array.from({ length: 900 }, (_, n) => store.events.append(streams[n % 3] as string, added(1, n))))
    const numbers = await stored()
    for (const [index, streamId] of streams.entries()) {
      expect(numbers[streamId]).toEqual(Array.from({ length: 300 }, (_, turn) => turn * 3 + index))
    }
  })

  test('an append that the database refuses fails alone', async () => {
    await database.query(`
      create function "${schema}".refuse() returns trigger language plpgsql as
        $$ begin raise exception 'unlucky' using errcode = 'RF999'; end $$;
      create trigger refuse before insert on "${schema}".events for each row
        when (new.data = '{"n": 13}') execute function "${schema}".refuse()`)
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => codeOf(store.events.append(`s-${n % 10}`, added(1, n)))),
    )
    expect(outcomes).toEqual(Array.from({ length: 20 }, (_, n) => (n === 13 ? 'DatabaseError' : 'appended')))
    expect(sent()).toEqual({ append: 1, append_one_any: 20 })
    const numbers = await stored()
    expect(numbers['s-3']).toEqual([3])
    expect(Object.values(numbers).flat()).toHaveLength(19)
  })

  test('10,000 appends at once are all stored, once', async () => {
    const sizeOf = (n: number): number => (n % 100 === 0 ? 50 : n % 10 === 0 ? 10 : 1)
    const results = await Promise.all(
      Array.from({ length: 10_000 }, (_, n) => store.events.append(`s-${n % 1_000}`, added(sizeOf(n), n))),
    )
    const expected = Array.from({ length: 10_000 }, (_, n) => sizeOf(n)).reduce((sum, size) => sum + size, 0)
    const ids = results.flatMap(({ eventIds }) => eventIds)
    expect(new Set(ids).size).toBe(expected)
    const { rows } = await database.query<{ id: string }>(`select event_id as id from "${schema}".events`)
    expect(rows).toHaveLength(expected)
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(ids))
    await stored()
  }, 60_000)
})

describe('the queue', () => {
  test('one more than it takes is Overloaded and not written', async () => {
    const small = open({ groupCommit: { maxQueued: 3 } })
    await whileHeld('held', async ({ blocked, letGo }) => {
      const out = small.events.append('held', added(1, 1))
      await blocked()
      const queued = Array.from({ length: 4 }, (_, n) => small.events.append(`s-${n}`, added(1, n)))
      await expect(queued[3]).rejects.toMatchObject({ code: 'Overloaded', retryable: true })
      await letGo()
      expect(await out).toMatchObject({ version: 2 })
      await Promise.all(queued.slice(0, 3))
    })
    expect(Object.keys(await stored()).toSorted()).toEqual(['held', 's-0', 's-1', 's-2'])
  })

  test('a signal withdraws an append that waits; one that has left tells its outcome', async () => {
    await whileHeld('held', async ({ blocked, letGo }) => {
      const [early, late] = [new AbortController(), new AbortController()]
      const out = store.events.append('held', added(1, 1), { signal: late.signal })
      await blocked()
      const waiting = store.events.append('s', added(1), { signal: early.signal })
      const after = store.events.append('s', added(1, 7))
      const withdrawn = waiting.catch((error: unknown) => error)
      // Once it is queued, which takes a few turns of promises.
      for (let check = 0; getEventListeners(early.signal, 'abort').length === 0 && check < 100; check += 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      early.abort('changed my mind')
      late.abort('too late')
      expect(await withdrawn).toMatchObject({ code: 'Aborted', streamId: 's', cause: 'changed my mind' })
      await letGo()
      expect(await out).toMatchObject({ version: 2 })
      expect(await after).toMatchObject({ version: 1 })
    })
    expect(await stored()).toEqual({ held: [0, 1], s: [7] })
  })

  test('a signal that lives long keeps no listener', async () => {
    const { signal } = new AbortController()
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.all(Array.from({ length: 8 }, (_, n) => store.events.append(`s-${n}`, added(1, n), { signal })))
    }
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('each schema has its own: a statement that waits in one holds nobody in another', async () => {
    const other = (await newStore(database.pool)).schema
    const tenancy: Tenancy<'perTenant'> = {
      mode: 'perTenant',
      resolve: (tenant) => ({ schema: tenant === 'other' ? other : schema, tenant }),
    }
    const many = createStore({
      connection: { pool },
      tenancy,
      modules: { events: events(families, { wakeUps: false }) },
    })
    await whileHeld('held', async ({ blocked, letGo }) => {
      const out = many.tenant('one').events.append('held', added(1, 1))
      await blocked()
      expect(await many.tenant('other').events.append('free', added(1))).toMatchObject({ version: 1 })
      await letGo()
      expect(await out).toMatchObject({ version: 2 })
    })
    await many.close()
  })

  test('closing the store waits for what has begun, queued or not, and takes no more', async () => {
    await whileHeld('held', async ({ blocked, letGo }) => {
      const out = store.events.append('held', added(1, 1))
      await blocked()
      const queued = store.events.append('queued', added(1))
      const closed = store.close()
      await expect(store.events.append('late', added(1))).rejects.toMatchObject({ code: 'InvalidState' })
      await letGo()
      expect(await out).toMatchObject({ version: 2 })
      expect(await queued).toMatchObject({ version: 1 })
      await closed
    })
    const begun = open()
    const same = begun.events.append('same-turn', added(1))
    await begun.close()
    expect(await same).toMatchObject({ version: 1 })
    expect(Object.keys(await stored(open())).toSorted()).toEqual(['held', 'queued', 'same-turn'])
  })
})
