import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { deposit, PlainAccount } from './support/accounts.js'
import { barrier, settleTurns } from './support/barrier.js'
import { newRivals } from './support/new-rivals.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

describe('several of one process on one stream', () => {
  test('load once, and follow one another without a conflict', async () => {
    const { store, pool } = await newWatchedStore(database.pool)
    const all = Array.from({ length: 9 }, () => store.aggregates.execute(PlainAccount, 'a', () => [one]))
    const done = await Promise.all(all)
    expect(done.map(({ version, attempts, state }) => [version, attempts, state.balance])).toEqual(
      done.map((_, index) => [index + 1, 1, index + 1]),
    )
    const operations = pool.operations()
    expect(operations).toHaveLength(10)
    expect(operations.filter((operation) => operation.startsWith('load'))).toEqual(['load_aggregate_events'])
  })

  test('of different definitions each have a state of their own', async () => {
    const { store } = await newWatchedStore(database.pool)
    const Doubled = { ...PlainAccount, initial: () => ({ owner: '', balance: 100, changes: 0 }) }
    const balances = await Promise.all(
      [PlainAccount, Doubled, PlainAccount, Doubled].map(async (aggregate) => {
        const { state } = await store.aggregates.execute(aggregate, 'a', () => [one])
        return state.balance
      }),
    )
    expect(balances).toEqual([1, 102, 3, 104])
  })

  test('give one that comes later no state that is older than what it may have seen', async () => {
    const { store, pool, rival } = await newRivals(database.pool)
    const held = pool.hold(/rillflow:load_aggregate/)
    const first = store.aggregates.execute(PlainAccount, 'a', () => [])
    await held.arrived
    // The answer that is on its way does not have this. Whoever knows of it must find it.
    await deposit(rival, 'a', 2)
    const seen: number[] = []
    const second = store.aggregates.execute(PlainAccount, 'a', (_, { version }) => {
      seen.push(version)
      return []
    })
    await settleTurns()
    held.letGo()
    expect(await first).toMatchObject({ version: 0 })
    await second
    expect(seen).toEqual([2])
  })

  test('leave nothing behind when one of them fails', async () => {
    const { store } = await newWatchedStore(database.pool)
    const withdraw = Account.commands.withdraw(1)
    const settled = await Promise.allSettled([
      store.aggregates.execute(Account, 'a', withdraw),
      store.aggregates.execute(Account, 'a', () => [one]),
      store.aggregates.execute(Account, 'a', withdraw),
      store.aggregates.execute(Account, 'a', withdraw),
    ])
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'rejected'])
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 2, state: { balance: 0 } })
  })

  test('pass one whose decision takes its time', async () => {
    const { store } = await newWatchedStore(database.pool)
    const [begun, gate] = [barrier(), barrier()]
    const slow = store.aggregates.execute(PlainAccount, 'a', async () => {
      begun.open()
      await gate.opened
      return []
    })
    await begun.opened
    const quick = await store.aggregates.execute(PlainAccount, 'a', () => [one])
    expect(quick).toMatchObject({ version: 1, attempts: 1 })
    gate.open()
    expect(await slow).toMatchObject({ attempts: 1 })
  })

  test('whose decisions all take their time meet conflicts, and all of them get through', async () => {
    const { store } = await newWatchedStore(database.pool)
    const all = barrier()
    let deciding = 0
    const decide = async () => {
      deciding += 1
      if (deciding === 3) all.open()
      await all.opened
      return [one]
    }
    const done = await Promise.all([1, 2, 3].map(() => store.aggregates.execute(PlainAccount, 'a', decide)))
    expect(done.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
    expect(Math.max(...done.map(({ attempts }) => attempts))).toBeGreaterThan(1)
  })

  test('may stand inside one another', async () => {
    const { store } = await newWatchedStore(database.pool)
    let inner: unknown
    const outer = await store.aggregates.execute(PlainAccount, 'a', async ({ balance }) => {
      inner ??= await store.aggregates.execute(PlainAccount, 'a', () => [one])
      return [{ type: 'Deposited', data: { amount: 10 + balance } }]
    })
    expect(inner).toMatchObject({ version: 1, attempts: 1 })
    expect(outer).toMatchObject({ version: 2, attempts: 2, state: { balance: 12 } })
  })
})
