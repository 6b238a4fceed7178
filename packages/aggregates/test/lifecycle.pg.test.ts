import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { deposit, PlainAccount } from './support/accounts.js'
import { newWatchedStore, otherStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

describe('create', () => {
  test('decides on the initial state, without loading', async () => {
    const { store, pool } = await newWatchedStore(database.pool)
    const decided: unknown[] = []
    const created = await store.aggregates.create(Account, 'a', (state, place) => {
      decided.push(state, place)
      return [{ type: 'Opened', data: { owner: 'ada' } }, one]
    })
    expect(decided).toEqual([
      { owner: '', balance: 0, changes: 0 },
      expect.objectContaining({ id: 'a', version: 0, exists: false }),
    ])
    expect(created).toMatchObject({
      id: 'a',
      version: 2,
      exists: true,
      attempts: 1,
      state: { owner: 'ada', balance: 1 },
    })
    expect(pool.take()).toHaveLength(1)
    const { id, state, version, exists } = created
    expect(await store.aggregates.load(Account, 'a')).toEqual({ id, state, version, exists })
  })

  test('of what is there says so, with its version, and writes nothing', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 3)
    let calls = 0
    const creation = store.aggregates.create(Account, 'a', () => ((calls += 1), [one]))
    await expect(creation).rejects.toMatchObject({
      code: 'AggregateExists',
      aggregate: 'account',
      id: 'a',
      actual: 3,
      message: expect.stringMatching(/account "a" exists already, at version 3/) as string,
    })
    expect(calls).toBe(1)
    expect((await store.events.streamInfo('a'))?.version).toBe(3)
  })

  test('takes a snapshot that is due in its own transaction', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    const tenAndMore = Array.from({ length: 12 }, () => one)
    await store.aggregates.create(Account, 'a', () => tenAndMore)
    await expect(store.aggregates.create(Account, 'a', () => tenAndMore)).rejects.toMatchObject({
      code: 'AggregateExists',
    })
    const { rows } = await database.query(`select version::int, state from "${schema}".snapshots`)
    expect(rows).toEqual([{ version: 12, state: { owner: '', balance: 12, changes: 12 } }])
  })

  test.each(['one process', 'two processes'])('of two at once in %s exactly one wins', async (where) => {
    const { store, schema } = await newWatchedStore(database.pool)
    const rival = where === 'one process' ? store : otherStore(database.pool, schema)
    for (let round = 1; round <= 20; round += 1) {
      const id = `a-${round}`
      const outcomes = await Promise.allSettled(
        [store, rival].map((each, place) =>
          each.aggregates.create(Account, id, () => [{ type: 'Opened', data: { owner: `${place}` } }]),
        ),
      )
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      const lost = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult
      expect(lost.reason).toMatchObject({ code: 'AggregateExists', id, actual: 1 })
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
      expect(await store.aggregates.load(Account, id)).toMatchObject({ version: 1, state: { owner: `${winner}` } })
    }
  })

  test('that decides nothing creates nothing', async () => {
    const { store } = await newWatchedStore(database.pool)
    expect(await store.aggregates.create(Account, 'a', () => [])).toMatchObject({ version: 0, exists: false })
    expect(await store.events.streamExists('a')).toBe(false)
  })

  test('beside executions of the same process disturbs none of them', async () => {
    const { store } = await newWatchedStore(database.pool)
    const executions = Array.from({ length: 5 }, () => store.aggregates.execute(PlainAccount, 'a', () => [one]))
    const created = store.aggregates.create(PlainAccount, 'a', () => [one]).catch((error: unknown) => error)
    const done = await Promise.all(executions)
    const creation = await created
    const total = creation instanceof Error ? 5 : 6
    expect(done.at(-1)?.version).toBe(total)
    expect(await store.aggregates.load(PlainAccount, 'a')).toMatchObject({ version: total, state: { balance: total } })
  })
})

describe('update', () => {
  test('decides on what is there', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 3)
    const updated = await store.aggregates.update(Account, 'a', Account.commands.withdraw(6))
    expect(updated).toMatchObject({ version: 4, attempts: 1, state: { balance: 0 } })
  })

  test('of what is not there says so, decides nothing and writes nothing', async () => {
    const { store } = await newWatchedStore(database.pool)
    let calls = 0
    const decide = () => ((calls += 1), [one])
    const refusal = {
      code: 'AggregateNotFound',
      aggregate: 'account',
      id: 'a',
      message: expect.stringMatching(/account "a" does not exist/) as string,
    }
    await expect(store.aggregates.update(Account, 'a', decide)).rejects.toMatchObject(refusal)
    expect(calls).toBe(0)
    expect(await store.events.streamExists('a')).toBe(false)
  })

  test('finds nothing in a stream that was tombstoned', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 12)
    await store.aggregates.snapshots.takeAll(Account)
    await store.events.tombstoneStream('a')
    await expect(store.aggregates.update(Account, 'a', () => [one])).rejects.toMatchObject({
      code: 'AggregateNotFound',
    })
  })

  test('after a conflict finds what was created meanwhile', async () => {
    const { store, pool, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 1)
    const held = pool.hold(/rillflow:load_aggregate/)
    const update = store.aggregates.update(PlainAccount, 'a', ({ balance }) => [
      { type: 'Deposited', data: { amount: balance } },
    ])
    await held.arrived
    await deposit(otherStore(database.pool, schema), 'a', 2, 1)
    held.letGo()
    expect(await update).toMatchObject({ version: 3, attempts: 2, state: { balance: 6 } })
  })
})

test('execute is both: it creates what is not there, and changes what is', async () => {
  const { store } = await newWatchedStore(database.pool)
  for (const version of [1, 2]) {
    expect(await store.aggregates.execute(Account, 'a', () => [one])).toMatchObject({ version, attempts: 1 })
  }
})

test('in a transaction the same errors come out, and it goes on', async () => {
  const { store } = await newWatchedStore(database.pool)
  await deposit(store, 'there', 1)
  await store.transaction(async ({ aggregates }) => {
    await expect(aggregates.create(Account, 'there', () => [one])).rejects.toMatchObject({ code: 'AggregateExists' })
    await expect(aggregates.update(Account, 'none', () => [one])).rejects.toMatchObject({ code: 'AggregateNotFound' })
    await aggregates.create(Account, 'new', () => [one])
    await aggregates.update(Account, 'new', () => [one])
  })
  expect(await store.aggregates.load(Account, 'new')).toMatchObject({ version: 2 })
  expect(await store.aggregates.load(Account, 'there')).toMatchObject({ version: 1 })
})
