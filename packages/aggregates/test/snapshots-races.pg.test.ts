import { setTimeout as pause } from 'node:timers/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, expect, test } from 'vitest'
import { Account, AccountEvents } from './support/account.js'
import { newAccountStore, otherAccountStore } from './support/snapshots/account-store.js'
import { accountWith } from './support/snapshots/account-with.js'
import { deposits } from './support/snapshots/deposits.js'
import { Gate, passGate } from './support/snapshots/gate.js'
import { putSnapshot, snapshotsOf } from './support/snapshots/snapshot-table.js'
import { onSnapshots } from './support/snapshots/snapshot-trigger.js'
import { logWrites, type WriteLog } from './support/snapshots/write-log.js'
import { storeOf } from './support/store-of.js'
import { storeOn, type TestStore } from './support/test-store.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase({ max: 8 })
const id = 'a'
const newShape = accountWith({
  evolve: { ...Account.evolve, Opened: (account, { data }) => ({ ...account, owner: `new ${data.owner}` }) },
  snapshot: { every: 10, version: 2 },
})

let late: TestStore
let swift: TestStore
let schema: string
let writes: WriteLog

/** Whatever brings a snapshot of version 20 in the first shape of the state stops before it is written. */
beforeEach(async () => {
  ;({ store: late, schema } = await newAccountStore(database.pool))
  swift = otherAccountStore(database.pool, schema)
  writes = await logWrites(database.pool, schema)
  await onSnapshots(database.pool, schema, {
    name: 'wait',
    when: 'before insert',
    body: `if new.version = 20 and new.schema_version = 1 then ${passGate} end if;`,
  })
  await late.events.append(id, [{ type: 'Opened', data: { owner: 'ada' } }, ...deposits(19)])
})

/** What the old process does while it is held before its write of version 20, shape 1. */
async function whileHeld(old: () => Promise<unknown>, meanwhile: () => Promise<unknown>): Promise<void> {
  await using gate = await Gate.close(database.pool)
  const held = old()
  // Looked at below; it may fail before that.
  held.catch(() => undefined)
  await gate.untilReached()
  await meanwhile()
  await gate.open()
  await held
}

const takeOld = (): Promise<unknown> => late.aggregates.snapshots.takeAll(Account, { threshold: 1 })

async function expectOnly(expected: object, log: readonly object[]): Promise<void> {
  expect(await snapshotsOf(database.pool, schema)).toMatchObject([expected])
  expect(await writes()).toMatchObject(log)
}

test('left to itself the old process writes', async () => {
  await whileHeld(takeOld, () => Promise.resolve())
  await expectOnly({ schemaVersion: 1, version: 20 }, [{ schemaVersion: 1, version: 20 }])
})

test('a snapshotter that comes late with an older version does not win over a commit', async () => {
  await whileHeld(takeOld, () => swift.aggregates.execute(Account, id, () => deposits(12, 20)))
  await expectOnly({ schemaVersion: 1, version: 32 }, [{ schemaVersion: 1, version: 32 }])
  expect((await swift.aggregates.load(Account, id)).state).toMatchObject({ owner: 'ada', balance: (31 * 32) / 2 })
})

test('a snapshotter that comes late with an older shape does not win over one of the same version', async () => {
  const state = { owner: 'new ada', balance: 190, changes: 19 }
  const newer = { aggregate: 'account', id, schemaVersion: 2, version: 20, state }
  await whileHeld(takeOld, () => putSnapshot(database.pool, schema, newer))
  await expectOnly(newer, [{ schemaVersion: 2, version: 20 }])
})

test('a snapshotter that comes late to write over a lost one does not win over a commit that has done so', async () => {
  const lost = { aggregate: 'account', id, schemaVersion: 1, version: 1_000, state: {}, lost: true }
  await putSnapshot(database.pool, schema, lost)
  await whileHeld(takeOld, () => swift.aggregates.execute(Account, id, () => deposits(12, 20)))
  await expectOnly({ schemaVersion: 1, version: 32 }, [{ version: 1_000 }, { version: 32 }])
})

test('an older shape does not win over a newer one, although its version is the later one', async () => {
  await swift.aggregates.snapshots.takeAll(newShape)
  await late.aggregates.execute(Account, id, () => deposits(15, 20))
  await expectOnly({ schemaVersion: 2, version: 20 }, [{ schemaVersion: 2, version: 20 }])
  // Nor does it disturb the old process that its own are not there.
  expect(await late.aggregates.load(Account, id)).toMatchObject({ version: 35, state: { owner: 'ada', changes: 34 } })
  expect(await swift.aggregates.load(newShape, id)).toMatchObject({ version: 35, state: { owner: 'new ada' } })
})

test('a newer shape wins over an older one, although its version is the earlier one', async () => {
  // What the new process has loaded before the old one goes on, and brings afterwards.
  await onSnapshots(database.pool, schema, {
    name: 'wait_for_old',
    when: 'before insert',
    body: `if new.version = 20 and new.schema_version = 2 then ${passGate} end if;`,
  })
  await whileHeld(
    () => swift.aggregates.snapshots.takeAll(newShape),
    () => late.aggregates.execute(Account, id, () => deposits(15, 20)),
  )
  await expectOnly({ schemaVersion: 2, version: 20 }, [
    { schemaVersion: 1, version: 35 },
    { schemaVersion: 2, version: 20 },
  ])
})

test('a commit of the old shape that comes late does not win over a snapshot of the new one', async () => {
  const other = 'b'
  await late.events.append(other, deposits(19))
  await whileHeld(
    () => late.aggregates.execute(Account, other, () => deposits(1, 20)),
    // The stream is held by the commit: what is read of it here is what was there before.
    () => swift.aggregates.snapshots.takeAll(newShape, { threshold: 1 }),
  )
  const rows = await snapshotsOf(database.pool, schema, other)
  expect(rows).toMatchObject([{ schemaVersion: 2, version: 19 }])
  expect(await late.aggregates.load(Account, other)).toMatchObject({ version: 20, state: { balance: 210 } })
  expect(await swift.aggregates.load(newShape, other)).toMatchObject({ version: 20, state: { balance: 210 } })
})

test('appends and commits go on while a snapshotter has their stream in hand', async () => {
  await whileHeld(takeOld, async () => {
    await swift.events.append(id, deposits(3))
    const { version, attempts } = await swift.aggregates.execute(Account, id, () => deposits(2))
    expect({ version, attempts }).toEqual({ version: 25, attempts: 1 })
    await swift.aggregates.execute(Account, 'new', () => deposits(2))
  })
  expect(await snapshotsOf(database.pool, schema, id)).toMatchObject([{ version: 20 }])
  expect((await swift.aggregates.load(Account, id)).version).toBe(25)
})

test('a stream whose snapshot a commit has taken since it was found is left alone', async () => {
  const pool = new WatchedPool(database.pool)
  const snapshotter = otherAccountStore(pool, schema).aggregates.snapshots
  const claim = pool.hold(/claim_snapshots/)
  const taking = snapshotter.takeAll(Account)
  await claim.arrived
  await swift.aggregates.execute(Account, id, () => deposits(12, 20))
  claim.letGo()
  expect(await taking).toMatchObject({ candidates: 0, taken: 0, failed: [] })
  await expectOnly({ version: 32 }, [{ version: 32 }])
})

/** A session and a commit, both due a snapshot: the commit has written its events when the session begins to write. */
async function expectNoDeadlock(store: Pick<TestStore, 'session'>, pool: WatchedPool): Promise<void> {
  const other = 'b'
  await late.events.append(other, deposits(19))
  const session = store.session()
  await session.aggregates.execute(Account, other, () => deposits(2))
  pool.take()
  let saved: Promise<unknown> | undefined
  await whileHeld(
    () => swift.aggregates.execute(Account, other, () => deposits(1)),
    async () => {
      saved = session.saveChanges().catch((error: unknown) => error)
      await untilWaiting('append')
    },
  )
  expect(await saved).toMatchObject({ code: 'VersionConflict' })
  // After a deadlock the transaction is run again.
  expect(pool.operations().filter((operation) => operation === 'append')).toHaveLength(1)
}

test.each(['events before aggregates', 'aggregates before events'])(
  'a session and a commit do not deadlock where the store names %s',
  async (order) => {
    const pool = new WatchedPool(database.pool)
    const families = { account: AccountEvents }
    const isEventsFirst = order.startsWith('events')
    await expectNoDeadlock(isEventsFirst ? storeOf(pool, schema, { families }) : storeOn(pool, schema), pool)
  },
)

/** Waits until a statement of this name waits for a lock that another transaction has. */
async function untilWaiting(operation: string): Promise<void> {
  for (let check = 0; check < 12_000; check += 1) {
    const { rowCount } = await database.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        and query like $1`,
      [`/* rillflow:${operation}%`],
    )
    if (rowCount !== 0) return
    await pause(5)
  }
  throw new Error(`no ${operation} came to wait`)
}
