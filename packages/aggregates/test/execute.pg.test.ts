import { VersionConflictError } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account, InsufficientFunds } from './support/account.js'
import { deposit } from './support/accounts.js'
import { rejectionOf } from './support/rejection-of.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

const lastPosition = async (schema: string): Promise<unknown> =>
  (await database.query(`select last_value, is_called from "${schema}".events_position_seq`)).rows

describe('an execution', () => {
  test('decides on what is there, and tells what it led to', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 2)
    const decided: unknown[] = []
    const executed = await store.aggregates.execute(Account, 'a', (state, place) => {
      decided.push(state, place)
      return [one, { type: 'Withdrawn', data: { amount: 2 } }]
    })
    expect(decided).toEqual([
      { owner: '', balance: 3, changes: 2 },
      expect.objectContaining({ id: 'a', version: 2, exists: true }),
    ])
    const stored = await store.events.readStream('a', { from: 3 }).toArray()
    expect(executed).toEqual({
      id: 'a',
      state: { owner: '', balance: 2, changes: 4 },
      version: 4,
      exists: true,
      events: stored.map(({ type, data, streamId, version }) => ({ type, data, streamId, version })),
      position: stored.at(-1)?.position,
      eventIds: stored.map(({ id }) => id),
      attempts: 1,
    })
  })

  test('begins a stream of the category of its events', async () => {
    const { store } = await newWatchedStore(database.pool)
    await store.aggregates.execute(Account, 'a', () => [one])
    expect(await store.events.streamInfo('a')).toMatchObject({ category: 'account', version: 1 })
  })

  test('that decides nothing writes nothing, and takes no position', async () => {
    const { store, pool, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 1)
    const before = await lastPosition(schema)
    pool.take()
    const { position, events, eventIds, version, attempts } = await store.aggregates.execute(Account, 'a', () => [])
    expect([position, events, eventIds, version, attempts]).toEqual([undefined, [], [], 1, 1])
    expect(await store.aggregates.execute(Account, 'none', () => [])).toMatchObject({ version: 0, exists: false })
    expect(pool.operations()).toEqual(['load_aggregate', 'load_aggregate'])
    expect(await lastPosition(schema)).toEqual(before)
    expect(await store.events.streamExists('none')).toBe(false)
  })

  test('carries headers, causation and correlation to its events, over those around it', async () => {
    const { store } = await newWatchedStore(database.pool)
    await store.withContext({ headers: { user: 'ada', from: 'context' }, correlationId: 'context' }, () =>
      store.aggregates.execute(Account, 'a', () => [one, { ...one, headers: { from: 'event' } }], {
        headers: { from: 'options' },
        causationId: 'cause',
        correlationId: 'options',
      }),
    )
    const stored = await store.events.readStream('a').toArray()
    expect(stored.map(({ headers, causationId, correlationId }) => [headers, causationId, correlationId])).toEqual([
      [{ user: 'ada', from: 'options' }, 'cause', 'options'],
      [{ user: 'ada', from: 'event' }, 'cause', 'options'],
    ])
  })

  test('takes the ids that its events bring', async () => {
    const { store } = await newWatchedStore(database.pool)
    const id = '018f3c5e-0000-7000-8000-000000000001'
    const { eventIds } = await store.aggregates.execute(Account, 'a', () => [{ ...one, id }])
    expect(eventIds).toEqual([id])
    expect((await store.events.readStream('a').toArray()).map((event) => event.id)).toEqual([id])
  })

  test.each([undefined, null, 7, 'text', one])('refuses %j for a list of events', async (decision) => {
    const { store } = await newWatchedStore(database.pool)
    for (const decide of [() => decision, async () => Promise.resolve(decision)]) {
      await expect(store.aggregates.execute(Account, 'a', decide as never)).rejects.toMatchObject({
        code: 'InvalidArgument',
        argument: 'decide',
      })
    }
    expect(await store.events.streamExists('a')).toBe(false)
  })
})

describe('an error', () => {
  const failing = async (error: Error, late: boolean) => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 9)
    const before = await lastPosition(schema)
    let calls = 0
    const decide = () => {
      calls += 1
      if (late) return Promise.reject(error)
      throw error
    }
    const outcome = await rejectionOf(store.aggregates.execute(Account, 'a', decide))
    expect(await lastPosition(schema)).toEqual(before)
    // The stream is free again.
    expect(await store.aggregates.execute(Account, 'a', () => [one])).toMatchObject({ version: 10 })
    return { outcome, calls }
  }

  test.each([false, true])(
    'of decide comes out as it is, and nothing is written; in its own time: %s',
    async (late) => {
      const error = new InsufficientFunds('too little')
      expect(await failing(error, late)).toEqual({ outcome: error, calls: 1 })
    },
  )

  test.each([false, true])(
    'of decide that is a conflict of its own is not tried again; in its own time: %s',
    async (late) => {
      for (const subject of ['document', 'stream'] as const) {
        const error = new VersionConflictError({ subject, id: 'a', expected: 1, actual: 2 })
        const { outcome, calls } = await failing(error, late)
        expect(outcome).toBe(error)
        expect(calls).toBe(1)
      }
    },
  )

  test('of validate comes out as it is, and nothing is written', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 9)
    const before = await lastPosition(schema)
    const overdraw = () => [{ type: 'Withdrawn', data: { amount: 1_000 } } as const]
    const { aggregates } = store
    expect(await rejectionOf(aggregates.execute(Account, 'a', overdraw))).toBeInstanceOf(InsufficientFunds)
    expect(await rejectionOf(aggregates.create(Account, 'b', overdraw))).toBeInstanceOf(InsufficientFunds)
    expect(await lastPosition(schema)).toEqual(before)
  })

  test('of validate sees the state and the place after the new events, and nothing when there are none', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 2)
    const seen: unknown[] = []
    const Watched = { ...Account, validate: (...given: readonly unknown[]) => void seen.push(...given) }
    await store.aggregates.execute(Watched, 'a', () => [])
    expect(seen).toEqual([])
    await store.aggregates.execute(Watched, 'a', () => [one, one])
    expect(seen).toEqual([
      { owner: '', balance: 5, changes: 4 },
      expect.objectContaining({ id: 'a', version: 4, exists: true }),
    ])
  })

  test('of a stream that is closed comes out, and is not tried again', async () => {
    const { store } = await newWatchedStore(database.pool)
    for (const id of ['archived', 'tombstoned']) await deposit(store, id, 2)
    await store.events.archiveStream('archived')
    await store.events.tombstoneStream('tombstoned')
    let calls = 0
    const decide = () => {
      calls += 1
      return [one]
    }
    const { aggregates } = store
    await expect(aggregates.execute(Account, 'archived', decide)).rejects.toMatchObject({ code: 'StreamArchived' })
    await expect(aggregates.execute(Account, 'tombstoned', decide)).rejects.toMatchObject({ code: 'StreamTombstoned' })
    await expect(aggregates.create(Account, 'archived', decide)).rejects.toMatchObject({ code: 'StreamArchived' })
    await expect(aggregates.create(Account, 'tombstoned', decide)).rejects.toMatchObject({ code: 'StreamTombstoned' })
    expect(calls).toBe(4)
  })
})
