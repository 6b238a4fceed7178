import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account, InsufficientFunds } from './support/account.js'
import { afterDeposits, deposit, deposits, PlainAccount } from './support/accounts.js'
import { barrier } from './support/barrier.js'
import { newSession } from './support/new-session.js'
import { rejectionOf } from './support/rejection-of.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const
const { deposit: paying, withdraw } = Account.commands

describe('a load', () => {
  test('asks the database once', async () => {
    const { session, pool } = await newSession(database.pool)
    const loaded = await session.aggregates.load(Account, 'a')
    expect(loaded).toEqual({ id: 'a', state: afterDeposits(10), version: 10, exists: true })
    expect(await session.aggregates.load(Account, 'a')).toEqual(loaded)
    expect(pool.operations()).toEqual(['load_aggregate'])
  })

  test('of several at once goes on from one state', async () => {
    const { session, rival, pool } = await newSession(database.pool)
    const held = pool.hold(/rillflow:load_aggregate/)
    const slow = session.aggregates.load(Account, 'a')
    await held.arrived
    await deposit(rival, 'a', 11, 10)
    const quick = await session.aggregates.load(Account, 'a')
    held.letGo()
    expect(await slow).toEqual(quick)
    expect(quick.version).toBe(11)
  })

  test('sees what aggregates have staged, and what events have', async () => {
    const { session, store } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', paying(5))
    session.events.append('a', [one, one])
    expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 13, state: { balance: 62 } })
    session.events.append('new', [one])
    expect(await session.aggregates.load(Account, 'new')).toMatchObject({ version: 1, exists: true })
    // Another definition sees it too, and so does the store after the save; not before.
    expect(await session.aggregates.load(PlainAccount, 'a')).toMatchObject({ version: 13, state: { balance: 62 } })
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 10 })
    await session.saveChanges()
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 13, state: { balance: 62 } })
  })

  test('is fresh after a save, and after a clear', async () => {
    const { session, rival } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', paying(5))
    await session.saveChanges()
    await deposit(rival, 'a', 12, 11)
    expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 12 })
    await deposit(rival, 'a', 13, 12)
    expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 12 })
    session.clear()
    expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 13 })
  })
})

describe('work that is staged', () => {
  test('is several executions and commits on one stream, saved as one', async () => {
    const { session, store, versionOf } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', paying(1))
    const loaded = await session.aggregates.execute(Account, 'a', ({ balance }) => [
      { type: 'Withdrawn', data: { amount: balance } },
    ])
    expect(loaded).toMatchObject({ version: 12, state: { balance: 0 } })
    const next = await session.aggregates.commit(Account, loaded, deposits(2))
    expect(next).toMatchObject({ version: 14, state: { balance: 3 } })
    expect(session.pending).toBe(3)
    expect(await versionOf('a')).toBe(10)
    const saved = await session.saveChanges()
    expect(saved.events.map(({ streamId, version }) => [streamId, version])).toEqual([
      ['a', 11],
      ['a', 12],
      ['a', 14],
    ])
    expect(await store.aggregates.load(Account, 'a')).toEqual(next)
    expect(session.pending).toBe(0)
  })

  test('begins a stream of the category of its events', async () => {
    const { session, store } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'new', paying(1))
    await session.aggregates.execute(Account, 'new', paying(2))
    await session.saveChanges()
    expect(await store.events.streamInfo('new')).toMatchObject({ category: 'account', version: 2 })
  })

  test('is nothing where nothing was decided', async () => {
    const { session, pool } = await newSession(database.pool)
    const loaded = await session.aggregates.execute(Account, 'a', () => [])
    expect(await session.aggregates.commit(Account, loaded, [])).toEqual(loaded)
    expect(session.pending).toBe(0)
    pool.take()
    await session.saveChanges()
    expect(pool.take()).toEqual([])
  })

  test('carries its options, over the context of the session as it is when it is saved', async () => {
    const { session, store } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', paying(1), { headers: { user: 'ada' }, correlationId: 'flow' })
    session.setContext({ headers: { user: 'eve', from: 'session' }, causationId: 'cause' })
    await session.saveChanges()
    const [event] = await store.events.readStream('a', { from: 11 }).toArray()
    expect(event).toMatchObject({
      headers: { user: 'ada', from: 'session' },
      correlationId: 'flow',
      causationId: 'cause',
    })
  })

  test('is refused by decide and by validate with their own errors, and not staged', async () => {
    const { session } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'a', paying(1))
    expect(await rejectionOf(session.aggregates.execute(Account, 'a', withdraw(100)))).toBeInstanceOf(InsufficientFunds)
    const overdraw = [{ type: 'Withdrawn', data: { amount: 100 } }] as const
    const loaded = await session.aggregates.load(Account, 'a')
    expect(await rejectionOf(session.aggregates.commit(Account, loaded, overdraw))).toBeInstanceOf(InsufficientFunds)
    expect(session.pending).toBe(1)
    expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 11 })
  })

  test.each([undefined, {}, { id: 'a' }, { id: 'a', version: '10' }, { version: 10 }])(
    'is refused on %j, which nobody has loaded',
    async (loaded) => {
      const { session } = await newSession(database.pool)
      await expect(session.aggregates.commit(Account, loaded as never, [one])).rejects.toMatchObject({
        code: 'InvalidArgument',
      })
    },
  )
})

describe('a state that is not the newest any more', () => {
  test('is refused at once when aggregates have staged something since', async () => {
    const { session } = await newSession(database.pool)
    const stale = await session.aggregates.load(Account, 'a')
    await session.aggregates.execute(Account, 'a', paying(1))
    await expect(session.aggregates.commit(Account, stale, [one])).rejects.toMatchObject({
      code: 'VersionConflict',
      subject: 'stream',
      id: 'a',
      expected: 10,
      actual: 11,
    })
    expect(session.pending).toBe(1)
  })

  test('is refused at once when events have, or another definition', async () => {
    const { session } = await newSession(database.pool)
    const stale = await session.aggregates.load(Account, 'a')
    const other = await session.aggregates.load(PlainAccount, 'a')
    session.events.append('a', [one])
    await expect(session.aggregates.commit(Account, stale, [one])).rejects.toMatchObject({ expected: 10, actual: 11 })
    await expect(session.aggregates.commit(PlainAccount, other, [one])).rejects.toMatchObject({ actual: 11 })
    expect(session.pending).toBe(1)
  })

  test('is refused at once when it is of another session', async () => {
    const { session, store, rival } = await newSession(database.pool)
    const stale = await store.session().aggregates.load(Account, 'a')
    await deposit(rival, 'a', 11, 10)
    await expect(session.aggregates.commit(Account, stale, [one])).rejects.toMatchObject({ expected: 10, actual: 11 })
  })

  test('is refused of two decisions beside one another, and the first one stays', async () => {
    const { session, store } = await newSession(database.pool)
    const all = barrier()
    let deciding = 0
    const decide = async () => {
      deciding += 1
      if (deciding === 2) all.open()
      await all.opened
      return [one]
    }
    const both = await Promise.allSettled([1, 2].map(() => session.aggregates.execute(Account, 'a', decide)))
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const lost = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(lost.reason).toMatchObject({ code: 'VersionConflict', expected: 10, actual: 11 })
    await session.saveChanges()
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 11 })
  })

  test('because others have written is a conflict of the save, which keeps everything', async () => {
    const { session, rival, versionOf, snapshots } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'b', () => deposits(10))
    await session.aggregates.execute(Account, 'a', paying(1))
    await deposit(rival, 'a', 11, 10)
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await expect(session.saveChanges()).rejects.toMatchObject({
        code: 'VersionConflict',
        id: 'a',
        expected: 10,
        actual: 11,
      })
      expect(session.pending).toBe(2)
      expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 11, state: { balance: 56 } })
    }
    expect([await versionOf('b'), await snapshots()]).toEqual([0, []])
    // Begun again, it is decided on what is there now.
    session.clear()
    await session.aggregates.execute(Account, 'a', paying(1))
    await session.saveChanges()
    expect(await versionOf('a')).toBe(12)
  })

  test('of what others have begun meanwhile is a conflict too', async () => {
    const { session, rival } = await newSession(database.pool)
    await session.aggregates.execute(Account, 'new', paying(1))
    await rival.events.append('new', [one])
    await expect(session.saveChanges()).rejects.toMatchObject({ code: 'VersionConflict', id: 'new', actual: 1 })
  })
})

test('what is staged while a save is under way belongs to the next one', async () => {
  const { session, store, pool } = await newSession(database.pool)
  await session.aggregates.execute(Account, 'a', paying(1))
  const held = pool.hold(/rillflow:append/)
  const first = session.saveChanges()
  await held.arrived
  const staged = await session.aggregates.execute(Account, 'a', paying(2))
  expect(staged).toMatchObject({ version: 12, state: { balance: 58 } })
  held.letGo()
  await first
  expect(session.pending).toBe(1)
  expect(await session.aggregates.load(Account, 'a')).toEqual(staged)
  await session.saveChanges()
  expect(await store.aggregates.load(Account, 'a')).toEqual(staged)
})

test('a save of events alone leaves aggregates alone', async () => {
  const { session, pool } = await newSession(database.pool)
  session.events.append('a', [one])
  expect((await session.saveChanges()).aggregates).toEqual([])
  expect(pool.operations().filter((operation) => /snapshot|load/.test(operation))).toEqual([])
})

test('a load that was asked before a save, and is answered after it, is of after it', async () => {
  const { session, pool } = await newSession(database.pool)
  session.events.append('a', [one])
  const held = pool.hold(/rillflow:load_aggregate/)
  const loading = session.aggregates.load(Account, 'a')
  await held.arrived
  await session.saveChanges()
  held.letGo()
  expect(await loading).toMatchObject({ version: 11 })
  expect(await session.aggregates.load(Account, 'a')).toMatchObject({ version: 11 })
})
