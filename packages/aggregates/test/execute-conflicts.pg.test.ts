import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { deposit, PlainAccount } from './support/accounts.js'
import { newRivals } from './support/new-rivals.js'
import { rejectionOf } from './support/rejection-of.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

describe('after a conflict', () => {
  test.each([
    ['at once', (events: readonly (typeof one)[]) => events],
    ['in its own time', async (events: readonly (typeof one)[]) => Promise.resolve(events)],
  ])('it is decided again, on what is there then: %s', async (_, give) => {
    const { store, pool, rival } = await newRivals(database.pool)
    const seen: number[] = []
    const held = pool.hold(/rillflow:load_aggregate/)
    const execution = store.aggregates.execute(PlainAccount, 'a', ({ balance }) => {
      seen.push(balance)
      return give([one])
    })
    await held.arrived
    await deposit(rival, 'a', 3)
    held.letGo()
    expect(await execution).toMatchObject({ attempts: 2, version: 4, state: { balance: 7, changes: 4 } })
    expect(seen).toEqual([0, 6])
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ version: 4, state: { balance: 7 } })
  })

  test.each([2, 3, 7])('the result tells that it took %d attempts', async (wanted) => {
    const { store, interfere } = await newRivals(database.pool)
    let calls = 0
    const { attempts, version } = await store.aggregates.execute(Account, 'a', async () => {
      calls += 1
      if (calls < wanted) await interfere()
      return [one]
    })
    expect([attempts, calls, version]).toEqual([wanted, wanted, wanted])
  })

  test.each([
    [undefined, 10],
    [1, 1],
    [3, 3],
  ])('of %s attempts none is left in the end, and the conflict comes out', async (attempts, wanted) => {
    const { store, pool, interfere } = await newRivals(database.pool)
    await interfere()
    let calls = 0
    const decide = async () => {
      calls += 1
      await interfere()
      return [one]
    }
    const error = await rejectionOf(store.aggregates.execute(Account, 'a', decide, { attempts }))
    expect(error).toMatchObject({ code: 'VersionConflict', subject: 'stream', id: 'a', actual: wanted + 1 })
    expect(calls).toBe(wanted)
    expect(pool.operations()).not.toContain('lock_stream')
    expect((await store.events.streamInfo('a'))?.version).toBe(wanted + 1)
  })

  /** Lets a rival be faster than the first three attempts of an execution. */
  async function beatThreeTimes({ pool, interfere }: Awaited<ReturnType<typeof newRivals>>): Promise<void> {
    for (let turn = 1; turn <= 3; turn += 1) {
      const held = pool.hold(/rillflow:load_aggregate/)
      await held.arrived
      await interfere()
      held.letGo()
    }
  }

  test('of three attempts the stream is held, and the fourth gets through', async () => {
    const rivals = await newRivals(database.pool)
    const { store, pool, interfere } = rivals
    await interfere()
    let calls = 0
    let late: Promise<void> | undefined
    const execution = store.aggregates.execute(PlainAccount, 'a', () => {
      calls += 1
      if (calls === 4) late = interfere()
      return [one]
    })
    await beatThreeTimes(rivals)
    expect(await execution).toMatchObject({ attempts: 4, version: 5, state: { changes: 5 } })
    await late
    expect(pool.operations().filter((operation) => operation === 'lock_stream')).toHaveLength(1)
    expect(await store.events.streamInfo('a')).toMatchObject({ version: 6 })
  })

  test('a decision that takes its time is never waited for while the stream is held', async () => {
    const rivals = await newRivals(database.pool)
    const { store, pool, interfere } = rivals
    await interfere()
    let calls = 0
    const decide = (): readonly (typeof one)[] | Promise<readonly (typeof one)[]> => {
      calls += 1
      return calls < 4 ? [one] : interfere().then(() => [one])
    }
    const execution = store.aggregates.execute(PlainAccount, 'a', decide, { attempts: 5 })
    await beatThreeTimes(rivals)
    await expect(execution).rejects.toMatchObject({ code: 'VersionConflict' })
    expect(calls).toBe(5)
    expect(pool.operations().filter((operation) => operation === 'lock_stream')).toHaveLength(1)
  })

  test('with a snapshot due, all of it is done again and the snapshot is of what was stored', async () => {
    const { store, pool, rival, schema } = await newRivals(database.pool)
    await deposit(store, 'a', 9)
    const held = pool.hold(/rillflow:load_aggregate/)
    const execution = store.aggregates.execute(Account, 'a', () => [one, one])
    await held.arrived
    await deposit(rival, 'a', 10, 9)
    held.letGo()
    expect(await execution).toMatchObject({ attempts: 2, version: 12 })
    // The boundary was crossed by the other one, which takes none.
    expect((await database.query(`select 1 from "${schema}".snapshots`)).rowCount).toBe(0)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null])(
    '%s is no number of attempts',
    async (attempts) => {
      const { store } = await newWatchedStore(database.pool)
      await expect(
        store.aggregates.execute(Account, 'a', () => [one], { attempts: attempts as number }),
      ).rejects.toMatchObject({ code: 'InvalidArgument', argument: 'attempts' })
      expect(await store.events.streamExists('a')).toBe(false)
    },
  )
})
