import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Account, type AccountState } from './support/account.js'
import { newAccountStore, otherAccountStore } from './support/snapshots/account-store.js'
import { accountWith } from './support/snapshots/account-with.js'
import { deposits } from './support/snapshots/deposits.js'
import { recordingLogger } from './support/snapshots/recording-logger.js'
import { putSnapshot, snapshotsOf, type PutSnapshot } from './support/snapshots/snapshot-table.js'
import type { TestStore } from './support/test-store.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase()
const { logger, complaints } = recordingLogger()

let store: TestStore
let schema: string
let pool: WatchedPool

beforeAll(async () => {
  ;({ schema } = await newAccountStore(database.pool))
  pool = new WatchedPool(database.pool)
  store = otherAccountStore(pool, schema, { logger })
  // The first look of a store at a schema sees to its sequence as well.
  await store.events.head()
})

const sumTo = (count: number): number => (count * (count + 1)) / 2
/** What so many deposits of 1, 2, 3 … make. */
const folded = (count: number): AccountState => ({ owner: '', balance: sumTo(count), changes: count })
/** A state that no events lead to: who gives it has read a snapshot. */
const lie: AccountState = { owner: 'a snapshot', balance: 1_000_000, changes: 0 }

let made = 0

/** A stream of so many deposits that has this snapshot, and no other. */
async function streamWith(count: number, snapshot: Partial<PutSnapshot>): Promise<string> {
  made += 1
  const id = `s-${made}`
  if (count > 0) await store.events.append(id, deposits(count))
  await putSnapshot(database.pool, schema, {
    aggregate: 'account',
    id,
    schemaVersion: 1,
    version: count,
    state: lie,
    ...snapshot,
  })
  pool.take()
  return id
}

const ways = [
  { by: 'the store', load: (id: string) => store.aggregates.load(Account, id) },
  { by: 'a transaction', load: (id: string) => store.transaction((tx) => tx.aggregates.load(Account, id)) },
  { by: 'a session', load: (id: string) => store.session().aggregates.load(Account, id) },
]

describe.each(ways)('loaded by $by', ({ load }) => {
  test('the snapshot and the events behind it come in one round trip', async () => {
    const id = await streamWith(15, { version: 10 })
    const tail = sumTo(15) - sumTo(10)
    const state = { owner: 'a snapshot', balance: 1_000_000 + tail, changes: 5 }
    expect(await load(id)).toEqual({ id, version: 15, exists: true, state })
    expect(pool.operations().filter((name) => name.startsWith('load'))).toEqual(['load_aggregate'])
  })

  test('a snapshot at the head serves alone, in one round trip', async () => {
    const id = await streamWith(15, {})
    expect(await load(id)).toEqual({ id, version: 15, exists: true, state: lie })
    expect(pool.operations().filter((name) => name.startsWith('load'))).toEqual(['load_aggregate'])
  })
})

test('a load for update reads the snapshot too', async () => {
  const id = await streamWith(15, { version: 15 })
  const loaded = await store.transaction((tx) => tx.aggregates.loadForUpdate(Account, id))
  expect(loaded).toEqual({ id, version: 15, exists: true, state: lie })
})

test('a load of the past reads a snapshot that is not of its future', async () => {
  const id = await streamWith(15, { version: 10 })
  expect((await store.aggregates.loadAt(Account, id, { version: 9 })).state).toEqual(folded(9))
  expect((await store.aggregates.loadAt(Account, id, { version: 10 })).state).toEqual(lie)
  const behind = { owner: 'a snapshot', balance: 1_000_000 + 11 + 12, changes: 2 }
  expect((await store.aggregates.loadAt(Account, id, { version: 12 })).state).toEqual(behind)
})

const none = { balance: 'none', changes: 1 }
const ignored: readonly { what: string; snapshot: Partial<PutSnapshot> }[] = [
  { what: 'of an older shape of the state', snapshot: { schemaVersion: 1, version: 10 } },
  { what: 'of a newer shape of the state', snapshot: { schemaVersion: 3, version: 10 } },
  { what: 'of a newer shape, at the head', snapshot: { schemaVersion: 3 } },
  { what: 'of another aggregate', snapshot: { schemaVersion: 2, aggregate: 'ledger' } },
  { what: 'of a stream that was lost, and whose id was used again', snapshot: { schemaVersion: 2, lost: true } },
  { what: 'beyond its stream, as after a restore', snapshot: { schemaVersion: 2, version: 16 } },
]

test.each(ignored)('a snapshot $what is ignored: all events are read, in one round trip', async ({ snapshot }) => {
  const before = complaints.length
  const id = await streamWith(15, snapshot)
  const second = accountWith({ snapshot: { every: 10, version: 2 } })
  expect(await store.aggregates.load(second, id)).toEqual({ id, version: 15, exists: true, state: folded(15) })
  expect(pool.operations()).toEqual(['load_aggregate'])
  expect(complaints.slice(before)).toEqual([])
})

const stateSchema = z.object({ owner: z.string(), balance: z.number(), changes: z.int() })
const unreadable: readonly { what: string; state: unknown }[] = [
  { what: 'null', state: null },
  { what: 'text', state: 'garbage' },
  { what: 'a list', state: [1, 2, 3] },
  { what: 'an object without its fields', state: {} },
  { what: 'an object whose fields are others', state: { ...none, owner: 1 } },
]

test.each(unreadable)('a snapshot that is $what: all events are read, with a warning', async ({ state }) => {
  const careful = accountWith({ snapshot: { every: 10, version: 1, schema: stateSchema } })
  for (const version of [10, 15]) {
    const before = complaints.length
    const id = await streamWith(15, { state, version })
    expect(await store.aggregates.load(careful, id)).toEqual({ id, version: 15, exists: true, state: folded(15) })
    const err = expect.objectContaining({ code: 'ValidationFailed' }) as unknown
    expect(complaints.slice(before)).toEqual([
      {
        level: 'warn',
        fields: { err, aggregate: 'account', id, version },
        message: 'a snapshot cannot be read; its events are',
      },
    ])
  }
})

test('a schema that throws, or answers later, refuses as well', async () => {
  const id = await streamWith(15, {})
  const throwing = z.any().transform((): never => {
    throw new Error('no')
  })
  const late = stateSchema.refine(async ({ owner }) => Promise.resolve(owner !== lie.owner))
  for (const schemaOfState of [throwing, late]) {
    const before = complaints.length
    const careful = accountWith({ snapshot: { every: 10, version: 1, schema: schemaOfState } })
    expect((await store.aggregates.load(careful, id)).state).toEqual(folded(15))
    expect(complaints).toHaveLength(before + 1)
  }
})

test('what was refused is written over by the next snapshot', async () => {
  const id = await streamWith(15, { state: 'garbage' })
  const careful = accountWith({ snapshot: { every: 10, version: 1, schema: stateSchema } })
  await store.aggregates.execute(careful, id, () => deposits(5, 16))
  expect(await snapshotsOf(database.pool, schema, id)).toMatchObject([{ version: 20, state: folded(20) }])
})

test('two aggregates of one stream read each its own', async () => {
  const id = await streamWith(15, {})
  const ledger = accountWith({ snapshot: { every: 10, version: 1 } }, 'ledger')
  const other = { owner: 'the ledger', balance: 7, changes: 7 }
  await putSnapshot(database.pool, schema, { aggregate: 'ledger', id, schemaVersion: 1, version: 15, state: other })
  expect((await store.aggregates.load(Account, id)).state).toEqual(lie)
  expect((await store.aggregates.load(ledger, id)).state).toEqual(other)
})

test('a stream that nobody wrote does not exist, whatever its snapshot says', async () => {
  const id = await streamWith(0, { version: 10 })
  expect(await store.aggregates.load(Account, id)).toEqual({ id, version: 0, exists: false, state: folded(0) })
})

test('a tombstoned stream does not exist, and an archived one does', async () => {
  const id = await streamWith(15, {})
  await store.events.archiveStream(id)
  expect(await store.aggregates.load(Account, id)).toMatchObject({ version: 15, exists: true, state: lie })
  await store.events.tombstoneStream(id)
  expect(await store.aggregates.load(Account, id)).toEqual({ id, version: 0, exists: false, state: folded(0) })
  expect(await store.aggregates.loadAt(Account, id, { version: 12 })).toMatchObject({ version: 0, exists: false })
})

describe('a snapshot beyond its stream', () => {
  const grown: readonly { how: string; grow: (id: string) => Promise<unknown> }[] = [
    { how: 'to its version, by commits', grow: (id) => store.aggregates.execute(Account, id, () => deposits(5, 16)) },
    { how: 'past its version, by appends', grow: (id) => store.events.append(id, deposits(7, 16)) },
  ]

  test.each(grown)('stays ignored when the stream has grown $how', async ({ grow }) => {
    const id = await streamWith(15, { version: 20 })
    await grow(id)
    const { version, state } = await store.aggregates.load(Account, id)
    expect(state).toEqual(folded(version))
  })

  test('does not keep the stream from having snapshots', async () => {
    const id = await streamWith(5, { version: 1_000 })
    await store.aggregates.execute(Account, id, () => deposits(5, 6))
    expect(await snapshotsOf(database.pool, schema, id)).toMatchObject([{ version: 10, state: folded(10) }])
  })
})
