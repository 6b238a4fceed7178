import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { deposit, PlainAccount } from './support/accounts.js'
import { settleTurns } from './support/barrier.js'
import { newRivals } from './support/new-rivals.js'
import { rejectionOf } from './support/rejection-of.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

describe('a signal', () => {
  const reason = new Error('enough')
  const aborted = { code: 'Aborted', cause: reason }

  test.each(['execute', 'update', 'create'] as const)(
    'that is aborted before %s lets nothing be written',
    async (how) => {
      const { store } = await newWatchedStore(database.pool)
      if (how === 'update') await deposit(store, 'a', 1)
      const before = await store.events.streamInfo('a')
      const options = { signal: AbortSignal.abort(reason) }
      await expect(store.aggregates[how](Account, 'a', () => [one], options)).rejects.toMatchObject(aborted)
      expect(await store.events.streamInfo('a')).toEqual(before)
    },
  )

  test('that is aborted while others are before it takes it out of the row, and nobody else', async () => {
    const { store, pool } = await newWatchedStore(database.pool)
    const leaving = new AbortController()
    const held = pool.hold(/rillflow:append/)
    let decided = false
    const first = store.aggregates.execute(PlainAccount, 'a', () => [one])
    await held.arrived
    const second = store.aggregates.execute(PlainAccount, 'a', () => ((decided = true), [one]), {
      signal: leaving.signal,
    })
    const third = store.aggregates.execute(PlainAccount, 'a', () => [one])
    await settleTurns()
    leaving.abort(reason)
    await expect(second).rejects.toMatchObject(aborted)
    held.letGo()
    expect([(await first).version, (await third).version, decided]).toEqual([1, 2, false])
  })

  test('that is aborted by the decision withdraws the append', async () => {
    const { store } = await newWatchedStore(database.pool)
    const leaving = new AbortController()
    const decide = () => {
      leaving.abort(reason)
      return [one]
    }
    await expect(store.aggregates.execute(PlainAccount, 'a', decide, { signal: leaving.signal })).rejects.toMatchObject(
      aborted,
    )
    expect(await store.events.streamExists('a')).toBe(false)
  })

  test.each(['execute', 'create'] as const)('withdraws it with a snapshot due as well: %s', async (how) => {
    const { store } = await newWatchedStore(database.pool)
    const leaving = new AbortController()
    const decide = () => {
      leaving.abort(reason)
      return Array.from({ length: 10 }, () => one)
    }
    await expect(store.aggregates[how](Account, 'a', decide, { signal: leaving.signal })).rejects.toMatchObject(aborted)
    expect(await store.events.streamExists('a')).toBe(false)
  })

  test('that is aborted after the append was sent has its outcome told all the same', async () => {
    const { store, pool } = await newWatchedStore(database.pool)
    const late = new AbortController()
    const held = pool.hold(/rillflow:append/)
    const execution = store.aggregates.execute(PlainAccount, 'a', () => [one], { signal: late.signal })
    await held.arrived
    late.abort(reason)
    held.letGo()
    expect(await execution).toMatchObject({ version: 1 })
  })

  test('that is aborted between two attempts ends them', async () => {
    const { store, pool, rival } = await newRivals(database.pool)
    const late = new AbortController()
    let calls = 0
    let held = pool.hold(/rillflow:load_aggregate/)
    const decide = () => {
      calls += 1
      return [one]
    }
    const execution = rejectionOf(store.aggregates.execute(PlainAccount, 'a', decide, { signal: late.signal }))
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await held.arrived
      await rival.events.append('a', [one])
      const answer = pool.hold(/rillflow:append/)
      held.letGo()
      held = pool.hold(/rillflow:load_aggregate/)
      await answer.arrived
      if (attempt === 2) late.abort(reason)
      answer.letGo()
    }
    expect(await execution).toMatchObject(aborted)
    expect(calls).toBe(2)
  })
})
