import { useDatabase } from '@rillflow/testing/vitest'
import { Pool } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { deposit, deposits, PlainAccount } from './support/accounts.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const one = { type: 'Deposited', data: { amount: 1 } } as const

let single: Pool
let made: Awaited<ReturnType<typeof newWatchedStore>>

/** The stream `long` has 5,001 events, `short` has 15 and a snapshot of the last but four. */
beforeEach(async () => {
  single = new Pool({ connectionString: database.url, max: 1 })
  made = await newWatchedStore(single)
  const { store, pool } = made
  await deposit(store, 'short', 11)
  await store.aggregates.snapshots.takeAll(Account)
  await deposit(store, 'short', 15, 11)
  await deposit(store, 'long', 5_001)
  pool.take()
})

afterEach(() => single.end())

/** What is sent by a call, each name without the hash of its text. */
async function sentBy(
  call: (aggregates: typeof made.store.aggregates) => Promise<unknown>,
): Promise<readonly string[]> {
  await call(made.store.aggregates)
  return made.pool.take().map(({ text, name }) => name?.replace(/_[0-9a-f]{16}$/, '') ?? text)
}

test('a load is one prepared statement, whatever is there', async () => {
  for (const id of ['short', 'none']) {
    expect(await sentBy((its) => its.load(Account, id))).toEqual(['rf_load_aggregate'])
    expect(await sentBy((its) => its.load(PlainAccount, id))).toEqual(['rf_load_aggregate_events'])
    expect(await sentBy((its) => its.loadAt(Account, id, { version: 13 }))).toEqual(['rf_load_aggregate'])
  }
  await deposit(made.store, 'full', 4_999)
  made.pool.take()
  expect(await sentBy((its) => its.load(PlainAccount, 'full'))).toEqual(['rf_load_aggregate_events'])
})

test('a load of more than 5,000 events takes one more for each 5,000', async () => {
  expect(await sentBy((its) => its.load(Account, 'long'))).toEqual(['rf_load_aggregate', 'rf_load_aggregate_events'])
})

test('a load brings the events behind the snapshot, and none before it', async () => {
  await made.store.aggregates.load(Account, 'short')
  const [statement] = made.pool.take()
  const { rows } = await single.query({ text: statement?.text ?? '', values: [...(statement?.values ?? [])] })
  expect(rows.map((row: { version: string; type: string | null }) => [row.version, row.type])).toEqual([
    ['11', null],
    ...['12', '13', '14', '15'].map((version) => [version, 'Deposited']),
  ])
})

test('a time costs one statement more, which finds its version', async () => {
  expect(await sentBy((its) => its.loadAt(Account, 'short', { time: new Date() }))).toEqual([
    'rf_version_at',
    'rf_load_aggregate',
  ])
})

test('an execution is a load and an append; a creation and a commit are an append', async () => {
  const load = 'rf_load_aggregate_events'
  const [asked, appended, ...more] = await sentBy((its) => its.execute(PlainAccount, 'short', () => [one]))
  expect([asked, more]).toEqual([load, []])
  expect(appended).toMatch(/^rf_append_/)
  const updated = await sentBy((its) => its.update(PlainAccount, 'short', () => [one]))
  expect(updated).toEqual([load, appended])
  const created = await sentBy((its) => its.create(PlainAccount, 'new', () => [one]))
  expect(created).toEqual([expect.stringMatching(/^rf_append_/)])
  const loaded = await made.store.aggregates.load(PlainAccount, 'new')
  made.pool.take()
  expect(await sentBy((its) => its.commit(PlainAccount, loaded, [one]))).toHaveLength(1)
})

test('a snapshot that is due costs its transaction', async () => {
  const sent = await sentBy((its) => its.execute(Account, 'short', () => deposits(5)))
  expect(sent).toEqual([
    'rf_load_aggregate',
    'begin',
    expect.stringMatching(/^rf_append_/),
    'rf_write_snapshots',
    'commit',
  ])
})

test('each hot statement is prepared once on a connection, however often it runs', async () => {
  const { aggregates } = made.store
  const useAll = async (turn: number): Promise<void> => {
    await aggregates.execute(Account, 'short', () => [one])
    await aggregates.execute(Account, 'short', () => deposits(10))
    await aggregates.create(PlainAccount, `new-${turn}`, () => [one])
    await aggregates.load(PlainAccount, 'short')
    await aggregates.loadAt(Account, 'short', { time: new Date() })
    await made.store.transaction(async (tx) => void (await tx.aggregates.loadForUpdate(Account, 'short')))
  }
  const prepared = async (): Promise<readonly string[]> => {
    const { rows } = await single.query<{ name: string }>('select name from pg_prepared_statements order by name')
    return rows.map(({ name }) => name).filter((name) => /_load_|_lock_|_version_at|_write_snap/.test(name))
  }
  await useAll(1)
  const names = await prepared()
  expect(names).toHaveLength(5)
  for (let turn = 2; turn <= 7; turn += 1) await useAll(turn)
  expect(await prepared()).toEqual(names)
})

test('every statement says in a comment what it is, and names its schema', async () => {
  const { aggregates } = made.store
  await aggregates.loadAt(Account, 'short', { time: new Date() })
  await aggregates.loadAt(PlainAccount, 'short', { version: 3 })
  await aggregates.execute(Account, 'short', () => deposits(5))
  await made.store.transaction(async (tx) => void (await tx.aggregates.loadForUpdate(Account, 'short')))
  for (const { text } of made.pool.take()) {
    if (text === 'begin' || text === 'commit') continue
    expect(text).toMatch(/^\/\* rillflow:[a-z_]+ \*\/ /)
    expect(text).toContain(`"${made.schema}".`)
  }
})

test('a pool of one connection is enough for everything', async () => {
  const { store } = made
  const all = Array.from({ length: 5 }, (_, index) =>
    store.aggregates.execute(Account, 'busy', () => deposits(3, index)),
  )
  await Promise.all([
    ...all,
    store.aggregates.load(Account, 'short'),
    store.aggregates.create(Account, 'x', () => [one]),
  ])
  const session = store.session()
  await session.aggregates.execute(Account, 'busy', () => deposits(10))
  expect((await session.saveChanges()).aggregates).toHaveLength(1)
})
