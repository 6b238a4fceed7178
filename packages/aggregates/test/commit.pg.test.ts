import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account, InsufficientFunds } from './support/account.js'
import { afterDeposits, deposit, deposits } from './support/accounts.js'
import { rejectionOf } from './support/rejection-of.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

const snapshotsOf = async (schema: string): Promise<readonly object[]> =>
  (await database.query(`select version::int, state from "${schema}".snapshots`)).rows

describe('a commit', () => {
  test('appends to the aggregate as it was loaded, in one statement', async () => {
    const { store, pool } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 2)
    const loaded = await store.aggregates.load(Account, 'a')
    pool.take()
    const committed = await store.aggregates.commit(Account, loaded, [one, one])
    expect(pool.take()).toHaveLength(1)
    const stored = await store.events.readStream('a', { from: 3 }).toArray()
    expect(committed).toEqual({
      id: 'a',
      state: { owner: '', balance: 5, changes: 4 },
      version: 4,
      exists: true,
      events: stored.map(({ type, data, streamId, version }) => ({ type, data, streamId, version })),
      position: stored.at(-1)?.position,
      eventIds: stored.map(({ id }) => id),
    })
  })

  test('goes on from what the one before gave', async () => {
    const { store } = await newWatchedStore(database.pool)
    const first = await store.aggregates.commit(Account, await store.aggregates.load(Account, 'a'), [one])
    const second = await store.aggregates.commit(Account, first, [one])
    expect(second).toMatchObject({ version: 2, state: { balance: 2 } })
  })

  test('of nothing writes nothing, and conflicts with nothing', async () => {
    const { store, pool } = await newWatchedStore(database.pool)
    const loaded = await store.aggregates.load(Account, 'a')
    await deposit(store, 'a', 1)
    pool.take()
    expect(await store.aggregates.commit(Account, loaded, [])).toEqual({
      ...loaded,
      events: [],
      position: undefined,
      eventIds: [],
    })
    expect(pool.take()).toEqual([])
  })

  test.each([0, 2, 9])('on version %d that is not the last any more is a conflict, told once', async (version) => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', version)
    const stale = await store.aggregates.load(Account, 'a')
    await deposit(store, 'a', version + 3, version)
    await expect(store.aggregates.commit(Account, stale, [one])).rejects.toMatchObject({
      code: 'VersionConflict',
      subject: 'stream',
      id: 'a',
      expected: version === 0 ? 'noStream' : version,
      actual: version + 3,
    })
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: version + 3 })
    expect(await snapshotsOf(schema)).toEqual([])
  })

  test('is refused by validate with its own error, and nothing is written', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 2)
    const loaded = await store.aggregates.load(Account, 'a')
    const overdraw = [one, { type: 'Withdrawn', data: { amount: 100 } }, one] as const
    expect(await rejectionOf(store.aggregates.commit(Account, loaded, overdraw))).toBeInstanceOf(InsufficientFunds)
    expect((await store.events.streamInfo('a'))?.version).toBe(2)
    // It is the state after all of them that counts.
    const repaid = [overdraw[1], { type: 'Deposited', data: { amount: 100 } } as const]
    expect(await store.aggregates.commit(Account, loaded, repaid)).toMatchObject({ version: 4, state: { balance: 3 } })
  })

  test('takes the snapshot that is due with it', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    await store.aggregates.commit(Account, await store.aggregates.load(Account, 'a'), deposits(11))
    expect(await snapshotsOf(schema)).toEqual([{ version: 11, state: afterDeposits(11) }])
  })

  test('carries its options to the events', async () => {
    const { store } = await newWatchedStore(database.pool)
    const loaded = await store.aggregates.load(Account, 'a')
    await store.aggregates.commit(Account, loaded, [one], {
      headers: { user: 'ada' },
      causationId: 'cause',
      correlationId: 'flow',
    })
    const [event] = await store.events.readStream('a').toArray()
    expect(event).toMatchObject({ headers: { user: 'ada' }, causationId: 'cause', correlationId: 'flow' })
  })

  test.each([
    ['archiveStream', 'StreamArchived'],
    ['tombstoneStream', 'StreamTombstoned'],
  ] as const)('to a stream that %s has closed is refused', async (close, code) => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 2)
    const loaded = await store.aggregates.load(Account, 'a')
    await store.events[close]('a')
    await expect(store.aggregates.commit(Account, loaded, [one])).rejects.toMatchObject({ code })
  })

  test('whose signal is aborted writes nothing', async () => {
    const { store } = await newWatchedStore(database.pool)
    const loaded = await store.aggregates.load(Account, 'a')
    const signal = AbortSignal.abort()
    await expect(store.aggregates.commit(Account, loaded, [one], { signal })).rejects.toMatchObject({ code: 'Aborted' })
    expect(await store.events.streamExists('a')).toBe(false)
  })

  test('whose signal is aborted writes nothing with a snapshot due either', async () => {
    const { store } = await newWatchedStore(database.pool)
    const loaded = await store.aggregates.load(Account, 'a')
    const signal = AbortSignal.abort()
    await expect(store.aggregates.commit(Account, loaded, deposits(10), { signal })).rejects.toMatchObject({
      code: 'Aborted',
    })
    expect(await store.events.streamExists('a')).toBe(false)
  })

  test.each([[undefined], [{ version: 0 }], [{ id: 'a' }], [{ id: 'a', version: '2' }], [{ id: 'a', version: -1 }]])(
    'of what nobody has loaded is refused: %j',
    async (loaded) => {
      const { store } = await newWatchedStore(database.pool)
      await deposit(store, 'a', 2)
      const state = { owner: '', balance: 100, changes: 0 }
      const given = loaded === undefined ? undefined : { state, ...loaded }
      await expect(store.aggregates.commit(Account, given as never, [one])).rejects.toMatchObject({
        code: 'InvalidArgument',
      })
      expect((await store.events.streamInfo('a'))?.version).toBe(2)
    },
  )
})

describe('a key', () => {
  const options = { idempotencyKey: 'k' }

  test('makes the repetition of a commit harmless: it gives what the first one gave', async () => {
    const { store } = await newWatchedStore(database.pool)
    const loaded = await store.aggregates.load(Account, 'a')
    const first = await store.aggregates.commit(Account, loaded, [one], options)
    expect(await store.aggregates.commit(Account, loaded, [one], options)).toEqual(first)
    expect((await store.events.streamInfo('a'))?.version).toBe(1)
  })

  test('makes it harmless after another load as well, whose state has the events already', async () => {
    const { store } = await newWatchedStore(database.pool)
    const commit = async () =>
      store.aggregates.commit(Account, await store.aggregates.load(Account, 'a'), [one], options)
    await commit()
    const { state, version } = await commit()
    const stored = await store.aggregates.load(Account, 'a')
    expect([state, version]).toEqual([stored.state, stored.version])
    expect(stored).toMatchObject({ version: 1, state: { balance: 1 } })
  })

  test('leaves no snapshot of a state that never was', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 8)
    const commit = async () =>
      store.aggregates.commit(Account, await store.aggregates.load(Account, 'a'), [one], options)
    await commit()
    await commit()
    expect(await snapshotsOf(schema)).toEqual([])
    await store.events.append('a', [{ type: 'Withdrawn', data: { amount: 5 } }])
    expect((await store.aggregates.load(Account, 'a')).state.balance).toBe(36 + 1 - 5)
  })

  test('of other events is refused', async () => {
    const { store } = await newWatchedStore(database.pool)
    const loaded = await store.aggregates.load(Account, 'a')
    await store.aggregates.commit(Account, loaded, [one], options)
    await expect(store.aggregates.commit(Account, loaded, deposits(2), options)).rejects.toMatchObject({
      code: 'IdempotencyMismatch',
    })
  })
})
