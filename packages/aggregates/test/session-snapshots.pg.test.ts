import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { afterDeposits, deposit, deposits, PlainAccount } from './support/accounts.js'
import { newSession } from './support/new-session.js'

const database = useDatabase()
const paying = Account.commands.deposit

describe('snapshots', () => {
  test('that are due are saved with the events, and told of', async () => {
    const { session, store, snapshots } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(9, 11))
    await session.aggregates.execute(Account, 'a', () => deposits(2, 20))
    await session.aggregates.execute(Account, 'b', () => deposits(25))
    await session.aggregates.execute(Account, 'c', () => deposits(9))
    await session.aggregates.execute(PlainAccount, 'd', () => deposits(10))
    const saved = await session.saveChanges()
    expect(saved.aggregates.toSorted((left, right) => (left.id < right.id ? -1 : 1))).toEqual([
      { aggregate: 'account', id: 'a', version: 21 },
      { aggregate: 'account', id: 'b', version: 25 },
    ])
    expect(await snapshots()).toEqual([
      { id: 'a', version: 21 },
      { id: 'b', version: 25 },
    ])
    for (const [id, version] of [['a', 21] as const, ['b', 25] as const]) {
      expect(await store.aggregates.load(Account, id)).toMatchObject({ state: afterDeposits(version), version })
    }
  })

  test('that are due leave in the same flight: a save is a transaction and two statements', async () => {
    const { session, pool } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(10, 11))
    pool.take()
    await session.saveChanges()
    const operations = pool.operations()
    expect(operations).toHaveLength(4)
    expect(operations).toContain('write_snapshots')
    expect([operations[0], operations.at(-1)]).toEqual(['begin', 'commit'])
  })

  test('are of the state that the save wrote, also when events are staged behind it', async () => {
    const { session, store, snapshots } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(10, 11))
    session.events.append('a', deposits(3, 21))
    await session.saveChanges()
    expect(await snapshots()).toEqual([{ id: 'a', version: 20 }])
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ state: afterDeposits(23), version: 23 })
  })

  test.each(['commit', 'rollback'])("end with the %s of the caller's transaction", async (end) => {
    const { session, snapshots, versionOf } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(10, 11))
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      const saved = await session.saveChanges({ client })
      expect(saved.aggregates).toEqual([{ aggregate: 'account', id: 'a', version: 20 }])
      await client.query(end)
    } finally {
      client.release()
    }
    const committed = end === 'commit'
    expect(await snapshots()).toEqual(committed ? [{ id: 'a', version: 20 }] : [])
    expect(await versionOf('a')).toBe(committed ? 20 : 10)
  })

  test('are told of by the save that took them alone', async () => {
    const { session } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(10, 11))
    expect((await session.saveChanges()).aggregates).toHaveLength(1)
    await session.aggregates.execute(Account, 'a', paying(1))
    expect((await session.saveChanges()).aggregates).toEqual([])
  })

  test('are not taken again by a save of nothing', async () => {
    const { session, pool } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(10, 11))
    await session.saveChanges()
    pool.take()
    expect(await session.saveChanges()).toEqual({ events: [], aggregates: [] })
    expect(pool.take()).toEqual([])
  })

  test('of work that was given up are never taken', async () => {
    const { session, rival, store, snapshots } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', () => deposits(10, 100))
    await deposit(rival, 'a', 11, 10)
    await expect(session.saveChanges()).rejects.toMatchObject({ code: 'VersionConflict' })
    session.clear()
    await session.saveChanges()
    expect(await snapshots()).toEqual([])
    await deposit(rival, 'a', 20, 11)
    expect((await store.aggregates.load(Account, 'a')).state).toEqual(afterDeposits(20))
  })

  test('of a repeated key are not taken', async () => {
    const { store, snapshots } = await newSession(database.pool)
    const save = async (): Promise<void> => {
      const session = store.session()
      await session.aggregates.execute(Account, 'a', () => deposits(5), { idempotencyKey: 'k' })
      expect((await session.saveChanges()).aggregates).toEqual([])
    }
    await save()
    await save()
    expect(await snapshots()).toEqual([])
  })
})
