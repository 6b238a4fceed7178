import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { afterDeposits, deposit, PlainAccount } from './support/accounts.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const initial = { state: { owner: '', balance: 0, changes: 0 }, version: 0, exists: false }

/** Sets when each event was stored, the first one first. */
async function storedAt(schema: string, id: string, times: readonly string[]): Promise<void> {
  await database.query(`begin;
    set local rillflow.maintenance = 'on';
    update "${schema}".events e set created_at = t.at
      from unnest('{${times.join(',')}}'::timestamptz[]) with ordinality as t (at, version)
      where e.stream_id = '${id}' and e.version = t.version;
    commit`)
}

describe('a version', () => {
  test.each([PlainAccount, Account])('of $name gives the state of that moment', async (aggregate) => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 15)
    await store.aggregates.snapshots.takeAll(Account)
    await deposit(store, 'a', 25, 15)
    for (const version of [1, 9, 14, 15, 16, 24, 25]) {
      const at = await store.aggregates.loadAt(aggregate, 'a', { version })
      expect(at).toEqual({ id: 'a', state: afterDeposits(version), version, exists: true })
    }
  })

  test('0 is before the first event', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 10)
    await store.aggregates.snapshots.takeAll(Account)
    expect(await store.aggregates.loadAt(Account, 'a', { version: 0 })).toEqual({ id: 'a', ...initial })
  })

  test('beyond the last event is the last, and its number tells', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 3)
    for (const version of [4, 1_000_000, Number.MAX_SAFE_INTEGER]) {
      expect(await store.aggregates.loadAt(Account, 'a', { version })).toMatchObject({ version: 3 })
    }
    expect(await store.aggregates.loadAt(Account, 'nobody', { version: 7 })).toEqual({ id: 'nobody', ...initial })
  })

  test('on the border of a page, and beyond it', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 10_002)
    for (const version of [5_000, 5_001, 10_000, 10_001]) {
      const at = await store.aggregates.loadAt(PlainAccount, 'a', { version })
      expect(at).toMatchObject({ state: afterDeposits(version), version })
    }
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '3', null, undefined])(
    '%s is refused before anything is sent',
    async (version) => {
      const { store, pool } = await newWatchedStore(database.pool)
      await expect(store.aggregates.loadAt(Account, 'a', { version: version as number })).rejects.toMatchObject({
        code: 'InvalidArgument',
        argument: 'version',
      })
      expect(pool.take()).toEqual([])
    },
  )
})

describe('a time', () => {
  const times = [
    '2024-05-01T10:00:00.000Z',
    '2024-05-01T10:00:05.000Z',
    '2024-05-01T10:00:05.000Z',
    '2024-05-01T10:00:09.000Z',
  ]

  test.each([
    ['before the first event', '2024-05-01T09:59:59.999Z', 0],
    ['of the first event', '2024-05-01T10:00:00.000Z', 1],
    ['between two', '2024-05-01T10:00:04.999Z', 1],
    ['of two events at once gives both', '2024-05-01T10:00:05.000Z', 3],
    ['after them', '2024-05-01T10:00:05.001Z', 3],
    ['of the last', '2024-05-01T10:00:09.000Z', 4],
    ['after the last', '2030-01-01T00:00:00.000Z', 4],
    ['in another zone', '2024-05-01T12:00:05.000+02:00', 3],
  ])('%s', async (_, time, version) => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 4)
    await storedAt(schema, 'a', times)
    const at = await store.aggregates.loadAt(Account, 'a', { time: new Date(time) })
    expect(at).toEqual({ id: 'a', state: afterDeposits(version), version, exists: version > 0 })
  })

  test.each([
    ['as early as Date can say', -8.64e15, 0],
    ['as late as Date can say', 8.64e15, 4],
  ])('%s', async (_, time, version) => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 4)
    expect(await store.aggregates.loadAt(Account, 'a', { time: new Date(time) })).toMatchObject({ version })
  })

  test('comes behind a snapshot of that time, not behind a later one', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 4)
    await store.aggregates.snapshots.takeAll(Account, { threshold: 1 })
    await storedAt(schema, 'a', times)
    const at = await store.aggregates.loadAt(Account, 'a', { time: new Date('2024-05-01T10:00:06Z') })
    expect(at).toMatchObject({ state: afterDeposits(3), version: 3 })
  })

  test('that went backward between two events ends before the first one that is later', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 4)
    await storedAt(
      schema,
      'a',
      ['00', '09', '06', '04'].map((second) => `2024-05-01T10:00:${second}Z`),
    )
    const at = await store.aggregates.loadAt(Account, 'a', { time: new Date('2024-05-01T10:00:05Z') })
    expect(at).toMatchObject({ state: afterDeposits(1), version: 1 })
  })

  test('that reading gives of an event has that event in it', async () => {
    const { store, schema } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 2)
    await storedAt(schema, 'a', ['2024-05-01T10:00:00.123456Z', '2024-05-01T10:00:00.124Z'])
    const [first] = await store.events.readStream('a').toArray()
    const at = await store.aggregates.loadAt(Account, 'a', { time: first?.createdAt as Date })
    expect(at).toMatchObject({ version: 1 })
  })

  test.each([
    ['an invalid Date', new Date('nonsense')],
    ['text', '2024-05-01T10:00:00Z'],
    ['a number', 1_714_557_600_000],
    ['null', null],
    ['undefined', undefined],
    ['something alike', { getTime: (): number => 0 }],
  ])('that is %s is refused before anything is sent', async (_, time) => {
    const { store, pool } = await newWatchedStore(database.pool)
    await expect(store.aggregates.loadAt(Account, 'a', { time: time as Date })).rejects.toMatchObject({
      code: 'InvalidArgument',
      argument: 'time',
    })
    expect(pool.take()).toEqual([])
  })
})

test.each([undefined, null, {}, 7])('%j is no moment', async (moment) => {
  const { store } = await newWatchedStore(database.pool)
  await expect(store.aggregates.loadAt(Account, 'a', moment as never)).rejects.toMatchObject({
    code: 'InvalidArgument',
  })
})

test('in a transaction a moment is of what the transaction sees', async () => {
  const { store } = await newWatchedStore(database.pool)
  await deposit(store, 'a', 2)
  await store.transaction(async (tx) => {
    await tx.aggregates.execute(Account, 'a', Account.commands.deposit(3))
    expect(await tx.aggregates.loadAt(Account, 'a', { version: 2 })).toMatchObject({ version: 2 })
    expect(await tx.aggregates.loadAt(Account, 'a', { version: 3 })).toMatchObject({ version: 3 })
    expect(await tx.aggregates.loadAt(Account, 'a', { time: new Date('2100-01-01') })).toMatchObject({ version: 3 })
  })
})
