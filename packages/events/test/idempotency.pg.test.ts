import { isRillflowError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppendResult, ExpectedVersion } from '../src/index.js'
import { backendOf, inTransaction, untilBlockedBy } from './support/blocking.js'
import type { CountingPool } from './support/counting-pool.js'
import { added, newCountedStore, type TestStore } from './support/test-store.js'

const database = useDatabase({ max: 6 })

let schema: string
let pool: CountingPool
let store: TestStore
let streams = 0
let streamId: string

beforeAll(async () => {
  ;({ store, schema, pool } = await newCountedStore(database.pool))
})

beforeEach(() => {
  streams += 1
  streamId = `stream-${streams}`
})

const key = { idempotencyKey: 'order-7' }

async function numbers(of = streamId): Promise<readonly number[]> {
  return (await store.events.readStream(of).toArray()).map((event) => (event.data as { n: number }).n)
}

const codeOf = (append: Promise<unknown>): Promise<unknown> =>
  append.then(
    () => 'appended',
    (error: unknown) => (isRillflowError(error) ? error.code : error),
  )

describe('a repeat', () => {
  test.each<ExpectedVersion>(['any', 'noStream', 'streamExists', 0, 2, 5, 99])(
    'expecting %s has the result of the first append, whatever came after it',
    async (expected) => {
      await store.events.append(streamId, added(2, 100))
      const first = await store.events.append(streamId, added(3), { ...key, expected: 2 })
      expect(first).toMatchObject({ streamId, version: 5 })
      await store.events.append(streamId, added(4, 200))
      expect(await store.events.append(streamId, added(3), { ...key, expected })).toEqual(first)
      expect(await numbers()).toEqual([100, 101, 1, 2, 3, 200, 201, 202, 203])
    },
  )

  test('is known by the types and the data: ids, headers and the order of keys may differ', async () => {
    const event = { type: 'Noted', data: { a: 1, b: [2] }, headers: { try: 1 } } as const
    const first = await store.events.append(streamId, [event], { ...key, headers: { who: 'ada' } })
    const again = [{ type: 'Noted', data: { b: [2], a: 1 }, headers: { try: 2 } }] as const
    expect(await store.events.append(streamId, again, { ...key, correlationId: 'c' })).toEqual(first)
    const [stored] = await store.events.readStream(streamId).toArray()
    expect(stored).toMatchObject({ id: first.eventIds[0], headers: { who: 'ada', try: 1 }, correlationId: undefined })
  })

  test.each([
    ['other data', added(2, 5)],
    ['another type', [{ type: 'Removed', data: { n: 1 } }, ...added(1, 2)]],
    ['more events', added(3)],
    ['fewer events', added(1)],
    ['another order', added(2).toReversed()],
  ] as const)('with %s is refused and writes nothing', async (_, events) => {
    await store.events.append(streamId, added(2), key)
    const repeat = store.events.append(streamId, events, key)
    await expect(repeat).rejects.toMatchObject({ code: 'IdempotencyMismatch', streamId, ...key, retryable: false })
    await expect(repeat).rejects.not.toThrow(/"n"/)
    expect(await numbers()).toEqual([1, 2])
  })

  test('on a stream that was archived since has the first result; a first use there is refused and keeps the key free', async () => {
    const first = await store.events.append(streamId, added(1), key)
    const close = (value: string): Promise<unknown> =>
      database.query(`update "${schema}".streams set archived_at = ${value} where stream_id = $1`, [streamId])
    await close('now()')
    expect(await store.events.append(streamId, added(1), key)).toEqual(first)
    const other = { idempotencyKey: 'other' }
    expect(await codeOf(store.events.append(streamId, added(1, 9), other))).toBe('StreamArchived')
    await close('null')
    expect(await store.events.append(streamId, added(1, 2), other)).toMatchObject({ version: 2 })
  })
})

test('keys belong to their stream', async () => {
  await store.events.append(streamId, added(1), key)
  expect(await store.events.append(`${streamId}-other`, added(2), key)).toMatchObject({ version: 2 })
})

test('the key of an append that conflicted stays free', async () => {
  await store.events.append(streamId, added(2))
  for (const expected of ['noStream', 7] as const) {
    expect(await codeOf(store.events.append(streamId, added(1, 9), { ...key, expected }))).toBe('VersionConflict')
  }
  expect(await store.events.append(streamId, added(3, 3), { ...key, expected: 2 })).toMatchObject({ version: 5 })
  const missing = `${streamId}-missing`
  expect(await codeOf(store.events.append(missing, added(1), { ...key, expected: 4 }))).toBe('VersionConflict')
  expect(await store.events.append(missing, added(2), key)).toMatchObject({ version: 2 })
})

test.each([[''], ['k\0'], ['\ud800'], ['k'.repeat(1_001)], [7], [null]])('%j is no key', async (idempotencyKey) => {
  pool.take()
  const append = store.events.append(streamId, added(1), { idempotencyKey: idempotencyKey as string })
  await expect(append).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'idempotencyKey' })
  expect(pool.take()).toEqual([])
})

describe('in a transaction', () => {
  test('a rollback frees the key, and so does a rollback to a savepoint', async () => {
    const failed = store.transaction(async (tx) => {
      await tx.events.append(streamId, added(1, 7), key)
      throw new Error('not today')
    })
    await expect(failed).rejects.toThrow('not today')
    await store.transaction(async (tx) => {
      await tx.sql`savepoint before`
      await tx.events.append(streamId, added(1, 8), key)
      await tx.sql`rollback to savepoint before`
      expect(await tx.events.append(streamId, added(2), key)).toMatchObject({ version: 2 })
    })
    expect(await numbers()).toEqual([1, 2])
  })

  test('a repeat in the same transaction, and after it, has the first result', async () => {
    const results = await store.transaction(async (tx) => {
      const first = await tx.events.append(streamId, added(2), key)
      await tx.events.append(streamId, added(1, 50))
      return [first, await tx.events.append(streamId, added(2), key)]
    })
    expect(results[1]).toEqual(results[0])
    expect(await store.events.append(streamId, added(2), key)).toEqual(results[0])
    expect(await numbers()).toEqual([1, 2, 50])
  })

  test('after a mismatch it can go on', async () => {
    await store.events.append(streamId, added(1), key)
    await store.transaction(async (tx) => {
      expect(await codeOf(tx.events.append(streamId, added(2), key))).toBe('IdempotencyMismatch')
      await tx.events.append(streamId, added(1, 2))
    })
    expect(await numbers()).toEqual([1, 2])
  })
})

describe('in a session', () => {
  test('a repeat has the first result, and what is staged beside it is written', async () => {
    const save = async (n: number): Promise<readonly AppendResult[]> => {
      const session = store.session()
      session.events.append(streamId, added(2), key)
      session.events.append(`${streamId}-beside`, added(1, n))
      return (await session.saveChanges()).events
    }
    const [first] = await save(1)
    const [again] = await save(2)
    expect(again).toEqual(first)
    expect(await numbers()).toEqual([1, 2])
    expect(await numbers(`${streamId}-beside`)).toEqual([1, 2])
  })

  test('a mismatch leaves everything staged', async () => {
    await store.events.append(streamId, added(1), key)
    const session = store.session()
    session.events.append(`${streamId}-beside`, added(1))
    session.events.append(streamId, added(2), key)
    await expect(session.saveChanges()).rejects.toMatchObject({ code: 'IdempotencyMismatch' })
    expect(session.pending).toBe(2)
    expect(await numbers(`${streamId}-beside`)).toEqual([])
  })

  test('one key twice on one stream is refused when it is staged', () => {
    const session = store.session()
    session.events.append(streamId, added(1), key)
    expect(() => session.events.append(streamId, added(1), key)).toThrow(
      expect.objectContaining({ code: 'InvalidArgument', argument: 'idempotencyKey' }) as Error,
    )
    session.events.append(`${streamId}-other`, added(1), key)
    expect(session.pending).toBe(2)
  })
})

describe('in group commit', () => {
  test('the same key many times at once: one write, one result, and nobody is held up', async () => {
    const others = Array.from({ length: 10 }, (_, n) => store.events.append(`${streamId}-${n}`, added(1)))
    const results = await Promise.all(
      Array.from({ length: 10 }, () => store.events.append(streamId, added(2), { ...key, expected: 'noStream' })),
    )
    await Promise.all(others)
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1)
    expect(results[0]).toMatchObject({ version: 2 })
    expect(await numbers()).toEqual([1, 2])
  })

  test('a repeat, a mismatch, a conflict and a first use share a statement', async () => {
    const first = await store.events.append(streamId, added(1), key)
    const ids = ['a', 'b', 'c'].map((letter) => `${streamId}-${letter}`) as [string, string, string]
    await store.events.append(ids[0], added(1), key)
    pool.take()
    const outcomes = await Promise.all([
      store.events.append(streamId, added(1), { ...key, expected: 'noStream' }),
      codeOf(store.events.append(ids[0], added(1, 2), key)),
      codeOf(store.events.append(ids[1], added(1), { ...key, expected: 'streamExists' })),
      store.events.append(ids[2], added(1), key),
    ])
    expect(outcomes).toEqual([
      first,
      'IdempotencyMismatch',
      'VersionConflict',
      expect.objectContaining({ streamId: ids[2], version: 1 }),
    ])
    expect(pool.take()).toHaveLength(1)
  })
})

describe('the first use is not committed yet', () => {
  const payloads = [
    ['the same', added(2)],
    ['another', added(1, 9)],
  ] as const
  const ends = ['commit', 'rollback'] as const
  test.each(payloads.flatMap(([what, events]) => ends.map((end) => ({ what, events, end }))))(
    '$what payload from another connection, then $end',
    async ({ what, events, end }) => {
      await inTransaction(database.pool, async (holder) => {
        const first = await store.transaction({ client: holder }, (tx) => tx.events.append(streamId, added(2), key))
        const second = store.events.append(streamId, events, { ...key, expected: 'noStream' }).then(
          (result) => result,
          (error: unknown) => (isRillflowError(error) ? error.code : error),
        )
        await untilBlockedBy(database.pool, await backendOf(holder))
        await holder.query(end)
        if (end === 'rollback') expect(await second).toMatchObject({ version: events.length })
        else expect(await second).toEqual(what === 'the same' ? first : 'IdempotencyMismatch')
        expect(await numbers()).toHaveLength(end === 'rollback' ? events.length : 2)
      })
    },
  )
})
