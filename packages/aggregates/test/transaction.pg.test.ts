import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account, InsufficientFunds } from './support/account.js'
import { afterDeposits, deposit, deposits, PlainAccount } from './support/accounts.js'
import { blockedBy } from './support/blocked-by.js'
import { rejectionOf } from './support/rejection-of.js'
import { newWatchedStore, otherStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const
const { deposit: paying, withdraw } = Account.commands

/** A store whose rival is on the same schema, and two accounts of 55 each. */
async function newAccounts() {
  const made = await newWatchedStore(database.pool)
  for (const id of ['a', 'b']) await deposit(made.store, id, 10)
  return { ...made, rival: otherStore(database.pool, made.schema) }
}

type Reads = Awaited<ReturnType<typeof newAccounts>>['store']['aggregates']

const balances = async ({ load }: Pick<Reads, 'load'>, ids = ['a', 'b']): Promise<readonly number[]> =>
  Promise.all(ids.map(async (id) => (await load(Account, id)).state.balance))

const snapshotCount = async (schema: string): Promise<number> =>
  (await database.query(`select 1 from "${schema}".snapshots`)).rowCount ?? -1

describe('two aggregates in one transaction', () => {
  test('are changed together', async () => {
    const { store } = await newAccounts()
    const moved = await store.transaction(async (tx) => {
      const from = await tx.aggregates.execute(Account, 'a', withdraw(20))
      const to = await tx.aggregates.execute(Account, 'b', paying(20))
      // Inside, all of it is there; outside, nothing before the commit.
      expect(await balances(tx.aggregates)).toEqual([35, 75])
      expect(await balances(store.aggregates)).toEqual([55, 55])
      return [from, to]
    })
    expect(moved.map(({ version, attempts }) => [version, attempts])).toEqual([
      [11, 1],
      [11, 1],
    ])
    expect(await balances(store.aggregates)).toEqual([35, 75])
  })

  test('are both as before when one of them is refused', async () => {
    const { store, schema } = await newAccounts()
    const failing = store.transaction(async (tx) => {
      await tx.aggregates.execute(Account, 'b', () => deposits(10))
      await tx.aggregates.execute(Account, 'a', withdraw(56))
    })
    expect(await rejectionOf(failing)).toBeInstanceOf(InsufficientFunds)
    expect(await balances(store.aggregates)).toEqual([55, 55])
    expect(await snapshotCount(schema)).toBe(0)
  })

  test('take the snapshots that are due with them', async () => {
    const { store, schema } = await newAccounts()
    await store.transaction(async (tx) => {
      for (const id of ['a', 'b']) await tx.aggregates.execute(Account, id, () => deposits(10, 11))
    })
    const { rows } = await database.query(`select stream_id, version::int, state from "${schema}".snapshots order by 1`)
    expect(rows).toEqual(['a', 'b'].map((id) => ({ stream_id: id, version: 20, state: afterDeposits(20) })))
  })
})

describe("in the caller's own transaction", () => {
  test.each(['commit', 'rollback'])('what was executed ends with its %s', async (end) => {
    const { store, schema } = await newAccounts()
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      await store.transaction({ client }, async (tx) => {
        await tx.aggregates.execute(Account, 'a', () => deposits(10))
        await tx.aggregates.create(Account, 'c', paying(1))
      })
      expect(await balances(store.aggregates, ['a', 'c'])).toEqual([55, 0])
      await client.query(end)
    } finally {
      client.release()
    }
    const committed = end === 'commit'
    expect(await balances(store.aggregates, ['a', 'c'])).toEqual(committed ? [110, 1] : [55, 0])
    expect(await snapshotCount(schema)).toBe(committed ? 1 : 0)
  })

  test('an error undoes what was done here, and leaves the rest of it usable', async () => {
    const { store } = await newAccounts()
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      const failing = store.transaction({ client }, async (tx) => {
        await tx.aggregates.execute(Account, 'a', paying(1))
        await tx.aggregates.execute(Account, 'b', withdraw(56))
      })
      expect(await rejectionOf(failing)).toBeInstanceOf(InsufficientFunds)
      await store.transaction({ client }, async (tx) => void (await tx.aggregates.execute(Account, 'b', paying(1))))
      await client.query('commit')
    } finally {
      client.release()
    }
    expect(await balances(store.aggregates)).toEqual([55, 56])
  })
})

describe('a conflict inside a transaction', () => {
  test.each([PlainAccount, Account])('is decided again, and does not abort it: $name', async (aggregate) => {
    const { store, rival } = await newAccounts()
    const seen: number[] = []
    const { version, attempts } = await store.transaction(async (tx) => {
      await tx.aggregates.execute(aggregate, 'b', () => [one])
      const executed = await tx.aggregates.execute(aggregate, 'a', async (_, place) => {
        seen.push(place.version)
        if (seen.length === 1) await deposit(rival, 'a', 14, 10)
        // Enough for a snapshot to be due in either attempt.
        return deposits(10)
      })
      await tx.aggregates.execute(aggregate, 'b', () => [one])
      return executed
    })
    expect([seen, version, attempts]).toEqual([[10, 14], 24, 2])
    expect(await balances(store.aggregates, ['b'])).toEqual([57])
  })

  test('comes out when no attempt is left, and may be caught', async () => {
    const { store, rival } = await newAccounts()
    await store.transaction(async (tx) => {
      const stale = await tx.aggregates.load(Account, 'a')
      await deposit(rival, 'a', 11, 10)
      const conflict = { code: 'VersionConflict', expected: 10, actual: 11 }
      await expect(tx.aggregates.commit(Account, stale, [one])).rejects.toMatchObject(conflict)
      let version = 11
      const beaten = tx.aggregates.execute(
        Account,
        'a',
        async () => {
          await deposit(rival, 'a', version + 1, version)
          version += 1
          return [one]
        },
        { attempts: 2 },
      )
      await expect(beaten).rejects.toMatchObject({ code: 'VersionConflict', actual: 13 })
      await tx.aggregates.execute(Account, 'b', () => [one])
    })
    expect(await balances(store.aggregates, ['b'])).toEqual([56])
    expect((await store.events.streamInfo('a'))?.version).toBe(13)
  })

  test('does not come from executions beside one another in the same transaction: all get through', async () => {
    const { store } = await newAccounts()
    const versions = await store.transaction(async (tx) => {
      const all = [1, 2, 3].map(() => tx.aggregates.execute(PlainAccount, 'a', () => [one]))
      return (await Promise.all(all)).map(({ version }) => version)
    })
    expect(versions.toSorted((a, b) => a - b)).toEqual([11, 12, 13])
  })
})

describe('loadForUpdate', () => {
  test('holds the stream: others wait, and go on when the transaction has ended', async () => {
    const { store, rival } = await newAccounts()
    const order: string[] = []
    let append: Promise<unknown> = Promise.resolve()
    await store.transaction(async (tx) => {
      const loaded = await tx.aggregates.loadForUpdate(Account, 'a')
      expect(loaded).toEqual({ id: 'a', state: afterDeposits(10), version: 10, exists: true })
      const [own] = await tx.sql<{ pid: number }>`select pg_backend_pid() as pid`
      append = rival.events.append('a', [one]).then(() => order.push('appended'))
      const [waiting] = await blockedBy(database.pool, own?.pid as number)
      const locks = await database.query(
        `select mode from pg_locks where pid = $1 and not granted and locktype in ('transactionid', 'tuple')`,
        [waiting],
      )
      expect(locks.rowCount).toBe(1)
      // It cannot conflict: nobody has come in between, and nobody can.
      const committed = await tx.aggregates.commit(Account, loaded, [one])
      expect(committed.version).toBe(11)
      order.push('committed')
    })
    await append
    expect(order).toEqual(['committed', 'appended'])
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 12, state: { balance: 57 } })
  })

  test('keeps nobody from reading, and nobody from another stream', async () => {
    const { store, rival } = await newAccounts()
    await store.transaction(async (tx) => {
      await tx.aggregates.loadForUpdate(Account, 'a')
      expect(await balances(rival.aggregates)).toEqual([55, 55])
      await rival.events.append('b', [one])
    })
  })

  test('waits for who holds it, and sees what was written', async () => {
    const { store, rival } = await newAccounts()
    let second: Promise<unknown> = Promise.resolve()
    await store.transaction(async (tx) => {
      const loaded = await tx.aggregates.loadForUpdate(Account, 'a')
      const [own] = await tx.sql<{ pid: number }>`select pg_backend_pid() as pid`
      second = rival.transaction(async (other) => {
        const theirs = await other.aggregates.loadForUpdate(Account, 'a')
        expect(theirs).toMatchObject({ version: 11, state: { balance: 56 } })
        return other.aggregates.commit(Account, theirs, [one])
      })
      await blockedBy(database.pool, own?.pid as number)
      await tx.aggregates.commit(Account, loaded, [one])
    })
    expect(await second).toMatchObject({ version: 12 })
  })

  test('lets go after a rollback', async () => {
    const { store, rival } = await newAccounts()
    const failing = store.transaction(async (tx) => {
      await tx.aggregates.loadForUpdate(Account, 'a')
      throw new Error('from the callback')
    })
    await expect(failing).rejects.toThrow('from the callback')
    await rival.events.append('a', [one])
  })

  test('of what is not there gives the initial state, and holds nothing', async () => {
    const { store, rival } = await newAccounts()
    const failing = store.transaction(async (tx) => {
      const loaded = await tx.aggregates.loadForUpdate(Account, 'new')
      expect(loaded).toMatchObject({ version: 0, exists: false })
      await rival.events.append('new', [one])
      await tx.aggregates.commit(Account, loaded, [one])
    })
    await expect(failing).rejects.toMatchObject({ code: 'VersionConflict', expected: 'noStream', actual: 1 })
  })
})

test('transfers of 8 callers over 4 accounts lose nothing: the sum is the same in every read', async () => {
  const { store } = await newWatchedStore(database.pool)
  const ids = ['a', 'b', 'c', 'd']
  for (const id of ids) await deposit(store, id, 10)
  const sum = async (): Promise<number> =>
    store.transaction(async (tx) => {
      await tx.sql`set transaction isolation level repeatable read`
      return (await balances(tx.aggregates, ids)).reduce((total, balance) => total + balance, 0)
    })
  const transfer = async (from: string, to: string): Promise<void> =>
    store.transaction(async (tx) => {
      // In one order, so that two transfers do not wait for one another.
      for (const id of [from, to].toSorted()) await tx.aggregates.loadForUpdate(Account, id)
      await tx.aggregates.execute(Account, from, withdraw(1))
      await tx.aggregates.execute(Account, to, paying(1))
    })
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let turn = 1; turn <= 10; turn += 1) {
      const from = (caller + turn) % 4
      await transfer(ids[from] as string, ids[(from + 1 + (turn % 3)) % 4] as string)
      if (caller === 0) expect(await sum()).toBe(220)
    }
  })
  await Promise.all(callers)
  expect(await sum()).toBe(220)
  const versions = await Promise.all(ids.map(async (id) => (await store.events.streamInfo(id))?.version ?? 0))
  expect(versions.reduce((total, version) => total + version, 0)).toBe(40 + 160)
})
