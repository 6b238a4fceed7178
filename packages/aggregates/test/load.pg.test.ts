import { defineAggregate } from '@rillflow/aggregates'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { afterDeposits, deposit, PlainAccount } from './support/accounts.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()

test('what was never written is in its initial state', async () => {
  const { store } = await newWatchedStore(database.pool)
  expect(await store.aggregates.load(Account, 'nobody')).toEqual({
    id: 'nobody',
    state: { owner: '', balance: 0, changes: 0 },
    version: 0,
    exists: false,
  })
})

test("the version is the stream's, whoever wrote the events", async () => {
  const { store } = await newWatchedStore(database.pool)
  await store.aggregates.execute(Account, 'a', Account.commands.open('ada'))
  await store.events.append('a', [{ type: 'Deposited', data: { amount: 5 } }])
  await store.aggregates.execute(Account, 'a', Account.commands.withdraw(2))
  expect(await store.aggregates.load(Account, 'a')).toEqual({
    id: 'a',
    state: { owner: 'ada', balance: 3, changes: 2 },
    version: 3,
    exists: true,
  })
})

// The peers' default limit folds the first 1,000 and says nothing; a page of this one is 5,000.
describe.each([0, 1])('with a snapshot of version %d', (snapshotAt) => {
  test.each([1_001, 4_999, 5_000, 5_001, 10_000, 10_001])(
    '%d events behind it are folded, each once',
    async (count) => {
      const { store, schema } = await newWatchedStore(database.pool)
      const version = snapshotAt + count
      await deposit(store, 'a', snapshotAt)
      await store.aggregates.snapshots.takeAll(Account, { threshold: 1 })
      await deposit(store, 'a', version, snapshotAt)
      const { rows } = await database.query(`select version::int from "${schema}".snapshots`)
      expect(rows).toEqual(snapshotAt === 0 ? [] : [{ version: snapshotAt }])
      const loaded = { id: 'a', state: afterDeposits(version), version, exists: true }
      expect(await store.aggregates.load(Account, 'a')).toEqual(loaded)
      expect(await store.aggregates.load(PlainAccount, 'a')).toEqual(loaded)
      expect(await store.aggregates.loadAt(Account, 'a', { version: version - 1 })).toEqual({
        ...loaded,
        state: afterDeposits(version - 1),
        version: version - 1,
      })
      // And what is decided on is all of it too.
      const { version: next, attempts } = await store.aggregates.execute(Account, 'a', ({ balance }) => [
        { type: 'Withdrawn', data: { amount: balance } },
      ])
      expect([next, attempts]).toEqual([version + 1, 1])
      expect((await store.aggregates.load(Account, 'a')).state.balance).toBe(0)
    },
  )
})

describe('a stream that is closed', () => {
  test('loads as ever when it is archived', async () => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 12)
    await store.events.archiveStream('a')
    expect(await store.aggregates.load(Account, 'a')).toMatchObject({ state: afterDeposits(12), version: 12 })
  })

  test.each([false, true])('is as if it had never been when it is tombstoned, with a snapshot: %s', async (taken) => {
    const { store } = await newWatchedStore(database.pool)
    await deposit(store, 'a', 12)
    if (taken) await store.aggregates.snapshots.takeAll(Account)
    await store.events.tombstoneStream('a')
    const nothing = { id: 'a', state: { owner: '', balance: 0, changes: 0 }, version: 0, exists: false }
    for (const aggregate of [Account, PlainAccount]) {
      expect(await store.aggregates.load(aggregate, 'a')).toEqual(nothing)
      expect(await store.aggregates.loadAt(aggregate, 'a', { version: 3 })).toEqual(nothing)
      expect(await store.aggregates.loadAt(aggregate, 'a', { time: new Date() })).toEqual(nothing)
    }
  })
})

test('a stream with a hole is refused, and named: its state would be a wrong one', async () => {
  const { store, schema } = await newWatchedStore(database.pool)
  await deposit(store, 'torn', 5)
  await database.query(
    `select set_config('rillflow.maintenance', 'on', true); delete from "${schema}".events where version = 3`,
  )
  for (const aggregate of [Account, PlainAccount]) {
    await expect(store.aggregates.load(aggregate, 'torn')).rejects.toMatchObject({
      code: 'InvalidState',
      message: expect.stringContaining('"torn"') as string,
    })
  }
})

test('ids of any text load what is theirs alone', async () => {
  const { store } = await newWatchedStore(database.pool)
  const ids = ['a', 'A', ' a', 'a"b', "a'b", 'a%', 'ä', '🙂', '{"a":1}', 'x'.repeat(900)]
  for (const [index, id] of ids.entries()) await deposit(store, id, index + 1)
  for (const [index, id] of ids.entries()) {
    expect(await store.aggregates.load(Account, id)).toMatchObject({ id, version: index + 1 })
  }
})

test.each([[''], [undefined], [null], [7], [{ id: 'a' }]])(
  'the id %j is refused before anything is sent',
  async (id) => {
    const { store } = await newWatchedStore(database.pool)
    const refusal = { code: 'InvalidArgument', argument: 'id' }
    const { aggregates } = store
    await expect(aggregates.load(Account, id as never)).rejects.toMatchObject(refusal)
    await expect(aggregates.loadAt(Account, id as never, { version: 1 })).rejects.toMatchObject(refusal)
    const decide = Account.commands.deposit(1)
    for (const call of ['execute', 'create', 'update'] as const) {
      await expect(aggregates[call](Account, id as never, decide)).rejects.toMatchObject(refusal)
    }
    const session = store.session()
    await expect(session.aggregates.load(Account, id as never)).rejects.toMatchObject(refusal)
    await expect(session.aggregates.execute(Account, id as never, decide)).rejects.toMatchObject(refusal)
    await store.transaction(async (tx) => {
      await expect(tx.aggregates.loadForUpdate(Account, id as never)).rejects.toMatchObject(refusal)
    })
  },
)

describe('states', () => {
  const frozen = async (freezeStates: boolean | undefined): Promise<readonly boolean[]> => {
    const { store } = await newWatchedStore(database.pool, { freezeStates })
    const { state: decided } = await store.aggregates.execute(Account, 'a', Account.commands.deposit(1))
    await deposit(store, 'a', 10, 1)
    const folded = (await store.aggregates.load(Account, 'a')).state
    await store.aggregates.snapshots.takeAll(Account)
    const stored = (await store.aggregates.load(Account, 'a')).state
    const initial = (await store.aggregates.load(Account, 'b')).state
    const staged = (await store.session().aggregates.load(Account, 'a')).state
    return [decided, folded, stored, initial, staged].map((state) => Object.isFrozen(state))
  }

  test('are frozen unless told, wherever they come from', async () => {
    expect(await frozen(undefined)).toEqual([true, true, true, true, true])
  })

  test('are not frozen when told, nor in production', async () => {
    expect(await frozen(false)).toEqual([false, false, false, false, false])
    const before = process.env['NODE_ENV']
    process.env['NODE_ENV'] = 'production'
    try {
      expect(await frozen(undefined)).toEqual([false, false, false, false, false])
      expect(await frozen(true)).toEqual([true, true, true, true, true])
    } finally {
      process.env['NODE_ENV'] = before
    }
  })
})

test('what evolve does wrong is told with its place', async () => {
  const { store } = await newWatchedStore(database.pool)
  await deposit(store, 'a', 3)
  const Broken = defineAggregate('broken', {
    ...PlainAccount,
    commands: undefined,
    evolve: {
      ...PlainAccount.evolve,
      Deposited: (state, { data }) => {
        if (data.amount === 2) throw new RangeError('two')
        return state
      },
    },
  })
  await expect(store.aggregates.load(Broken, 'a')).rejects.toMatchObject({
    code: 'EvolveFailed',
    aggregate: 'broken',
    id: 'a',
    version: 2,
    type: 'Deposited',
    cause: expect.any(RangeError) as RangeError,
  })
})
