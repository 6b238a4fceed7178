import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { newAccountStore } from './support/snapshots/account-store.js'
import { accountWith } from './support/snapshots/account-with.js'
import { deposits } from './support/snapshots/deposits.js'
import { recordingLogger } from './support/snapshots/recording-logger.js'
import { snapshotsOf, snapshotVersions } from './support/snapshots/snapshot-table.js'
import { onSnapshots } from './support/snapshots/snapshot-trigger.js'
import { ways } from './support/snapshots/ways.js'
import { logWrites, type WriteLog } from './support/snapshots/write-log.js'
import type { TestStore } from './support/test-store.js'

const database = useDatabase()
const { logger, complaints } = recordingLogger()
const allWays = Object.entries(ways).map(([name, write]) => ({ name, write }))

let store: TestStore
let schema: string
let writes: WriteLog

beforeAll(async () => {
  ;({ store, schema } = await newAccountStore(database.pool, { logger }))
  writes = await logWrites(database.pool, schema)
  await onSnapshots(database.pool, schema, {
    name: 'refuse',
    when: 'before insert',
    body: `if new.stream_id like 'refused %' then raise exception 'no snapshots here' using errcode = 'P4711'; end if;`,
  })
})

describe.each(allWays)('by $name', ({ name, write }) => {
  test('a snapshot is taken when a multiple is crossed, whether or not it is hit', async () => {
    const id = `sevens by ${name}`
    const seen: (readonly number[])[] = []
    for (let commit = 1; commit <= 10; commit += 1) {
      await write(store, Account, id, 7)
      seen.push(await snapshotVersions(database.pool, schema, id))
    }
    expect(seen).toEqual([[], [14], [21], [21], [35], [42], [42], [56], [63], [70]])
    expect((await writes(id)).map(({ version }) => version)).toEqual([14, 21, 35, 42, 56, 63, 70])
  })

  test('a multiple that is hit is crossed, and the next event crosses nothing', async () => {
    const id = `hit by ${name}`
    await write(store, Account, id, 9)
    expect(await snapshotsOf(database.pool, schema, id)).toEqual([])
    await write(store, Account, id, 1)
    const state = { owner: '', balance: 45 + 1, changes: 10 }
    const atTen = [{ aggregate: 'account', id, schemaVersion: 1, version: 10, state }]
    expect(await snapshotsOf(database.pool, schema, id)).toEqual(atTen)
    await write(store, Account, id, 1)
    expect(await snapshotsOf(database.pool, schema, id)).toEqual(atTen)
  })

  test('several multiples in one commit make one snapshot, at the new version', async () => {
    const id = `many by ${name}`
    await write(store, Account, id, 35)
    expect(await writes(id)).toEqual([{ id, schemaVersion: 1, version: 35 }])
    const [snapshot] = await snapshotsOf(database.pool, schema, id)
    expect(snapshot?.state).toEqual({ owner: '', balance: (35 * 36) / 2, changes: 35 })
  })

  test('when the snapshot cannot be stored, neither are the events', async () => {
    const id = `refused by ${name}`
    await write(store, Account, id, 8)
    await expect(write(store, Account, id, 2)).rejects.toMatchObject({ sqlState: 'P4711' })
    expect(await store.events.readStream(id).toArray()).toHaveLength(8)
    expect(await snapshotsOf(database.pool, schema, id)).toEqual([])
    // A commit that is due none does not care.
    await write(store, Account, id, 1)
    expect((await store.aggregates.load(Account, id)).version).toBe(9)
  })

  test('a state that JSON cannot hold is logged, and its events are stored', async () => {
    const id = `unstorable by ${name}`
    const broken = accountWith({
      evolve: { ...Account.evolve, Deposited: (account) => ({ ...account, balance: Number.NaN }) },
      snapshot: { every: 10, version: 1 },
    })
    await write(store, broken, id, 12)
    expect(await store.aggregates.load(broken, id)).toMatchObject({ version: 12, state: { balance: Number.NaN } })
    expect(await snapshotsOf(database.pool, schema, id)).toEqual([])
    const err = expect.objectContaining({ code: 'UnstorableValue' }) as unknown
    expect(complaints.filter(({ fields }) => 'id' in fields && fields.id === id)).toEqual([
      { level: 'error', fields: { err, aggregate: 'account', id, version: 12 }, message: 'a snapshot cannot be taken' },
    ])
  })

  test('an aggregate without a policy has no snapshots', async () => {
    const id = `plain by ${name}`
    const plain = accountWith({})
    await write(store, plain, id, 35)
    expect(await snapshotsOf(database.pool, schema, id)).toEqual([])
    expect((await store.aggregates.load(plain, id)).version).toBe(35)
  })

  test('however often it is written, a stream has one row for each aggregate', async () => {
    const id = `shared by ${name}`
    const ledger = accountWith({ snapshot: { every: 4, version: 1 } }, 'ledger')
    const newShape = accountWith({ snapshot: { every: 3, version: 2 } })
    for (let turn = 0; turn < 4; turn += 1) {
      await write(store, Account, id, 11)
      await write(store, ledger, id, 5)
    }
    await write(store, newShape, id, 3)
    const rows = await snapshotsOf(database.pool, schema, id)
    expect(rows).toMatchObject([
      { aggregate: 'account', schemaVersion: 2, version: 67 },
      { aggregate: 'ledger', schemaVersion: 1, version: 64 },
    ])
  })
})

test('when a later statement of the transaction fails, neither the events nor the snapshot are stored', async () => {
  const work = store.transaction(async (tx) => {
    await tx.aggregates.execute(Account, 'rolled back', () => deposits(12))
    await tx.sql`select 1 / 0`
  })
  await expect(work).rejects.toMatchObject({ sqlState: '22012' })
  expect(await snapshotsOf(database.pool, schema, 'rolled back')).toEqual([])
  expect(await store.aggregates.load(Account, 'rolled back')).toMatchObject({ version: 0, exists: false })
})

test('a session that is rolled back by its caller leaves neither, and one that is saved tells what it took', async () => {
  const client = await database.pool.connect()
  try {
    const session = store.session()
    await session.aggregates.execute(Account, 's-1', () => deposits(7))
    await session.aggregates.execute(Account, 's-1', () => deposits(7))
    await session.aggregates.execute(Account, 's-2', () => deposits(3))
    await client.query('begin')
    const saved = await session.saveChanges({ client })
    expect(saved.aggregates).toEqual([{ aggregate: 'account', id: 's-1', version: 14 }])
    await client.query('rollback')
  } finally {
    client.release()
  }
  expect(await snapshotsOf(database.pool, schema, 's-1')).toEqual([])
  expect((await store.aggregates.load(Account, 's-1')).version).toBe(0)
})

test('a session that appends behind a due aggregate keeps the state of the version that it names', async () => {
  const session = store.session()
  await session.aggregates.execute(Account, 'behind', () => deposits(12))
  session.events.append('behind', [{ type: 'Withdrawn', data: { amount: 5 } }])
  await session.saveChanges()
  const [snapshot] = await snapshotsOf(database.pool, schema, 'behind')
  expect(snapshot).toMatchObject({ version: 12, state: { balance: 78, changes: 12 } })
  expect(await store.aggregates.load(Account, 'behind')).toMatchObject({ version: 13, state: { balance: 73 } })
})

test.each(['the store', 'a transaction', 'a session'])('a key that is repeated by %s takes no snapshot', async (by) => {
  const id = `key by ${by}`
  const options = { idempotencyKey: 'k' }
  await store.aggregates.commit(Account, await store.aggregates.load(Account, id), deposits(12), options)
  await store.events.append(id, deposits(3))
  const loaded = await store.aggregates.load(Account, id)
  const session = store.session()
  const own = await session.aggregates.load(Account, id)
  // The version that each of them would come to is there meanwhile, with another state.
  await store.events.append(id, deposits(20))
  if (by === 'the store') await store.aggregates.commit(Account, loaded, deposits(12), options)
  if (by === 'a transaction') {
    await store.transaction((tx) => tx.aggregates.commit(Account, loaded, deposits(12), options))
  }
  if (by === 'a session') {
    await session.aggregates.commit(Account, own, deposits(12), options)
    expect((await session.saveChanges()).aggregates).toEqual([])
  }
  const state = { changes: 35, balance: 78 + 6 + 210 }
  expect(await store.aggregates.load(Account, id)).toMatchObject({ version: 35, state })
  expect(await snapshotVersions(database.pool, schema, id)).toEqual([12])
})
