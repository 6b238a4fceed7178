import { isRillflowError } from '@rillflow/core'
import { gte } from '@rillflow/documents'
import { parseExport } from '@rillflow/events'
import { sync } from '@rillflow/schema'
import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { barrier } from './support/barrier.js'
import { openHistoryStore, type HistoryStore } from './support/open-history-store.js'
import { within } from './support/within.js'

const callers = 50
const added = [{ type: 'Added', data: {} }] as const

let server: EmbeddedPostgres
let direct: pg.Pool
let store: HistoryStore
let name: string
let made = 0

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
  direct = new pg.Pool({ connectionString: server.url, max: 1 })
  direct.on('error', () => undefined)
})

afterAll(async () => {
  await direct.end()
  await server.stop()
})

const each = <Result>(work: (at: number) => Promise<Result>): Promise<readonly Result[]> =>
  Promise.all(Array.from({ length: callers }, (_, at) => work(at)))

const accounts = (kind: string): { id: string; balance: number }[] =>
  Array.from({ length: callers }, (_, at) => ({ id: `${kind}-${at}`, balance: at }))

/** How many connections the store's pool has, and whether any of them was left inside a transaction. */
async function poolOnServer(): Promise<{ open: number; inTransaction: number }> {
  const { rows } = await direct.query<{ open: number; inTransaction: number }>(
    `select count(*)::int as open, count(*) filter (where state like 'idle in transaction%')::int as "inTransaction"
    from pg_stat_activity where application_name = $1`,
    [name],
  )
  return rows[0] as { open: number; inTransaction: number }
}

async function open(maxConnections: number, connectTimeout?: number): Promise<void> {
  made += 1
  name = `small-${made}`
  const connection = { url: server.url, maxConnections, connectTimeout, applicationName: name }
  store = openHistoryStore(connection, `small_${made}`)
  // By another store, whose patience is the usual one.
  await using patient = openHistoryStore({ url: server.url }, `small_${made}`)
  await within('sync', sync(patient))
}

type Flow = (pool: HistoryStore) => Promise<unknown>

async function mixed(pool: HistoryStore): Promise<void> {
  const { docs, events } = pool
  await docs.accounts.putMany(accounts('m'))
  await Promise.all([
    each((at) => docs.accounts.put({ id: `put-${at}`, balance: at })),
    each((at) => docs.accounts.get(`m-${at}`)),
    each((at) => docs.accounts.getStored(`m-${at}`)),
    each(() => docs.accounts.getMany(['m-1', 'm-2'])),
    each((at) => docs.accounts.find({ balance: at })),
    each((at) => docs.accounts.query({ balance: gte(at) }).count()),
    each((at) => docs.accounts.patch(`m-${at}`, (patch) => patch.increment('balance'))),
    each((at) => docs.accounts.update(`m-${at}`, (account) => ({ ...account, balance: account.balance + 1 }))),
    each((at) => events.append(`m-${at}`, added)),
    each((at) => pool.transaction((tx) => tx.events.append(`m-${at}`, added))),
    each((at) => saveBoth(pool, `session-${at}`)),
    each(() => events.readAll().toArray()),
    each(() => sync(pool)),
  ])
  const rows = await docs.accounts.getMany(accounts('m').map(({ id }) => id))
  expect(rows.map((row) => row?.balance)).toEqual(accounts('m').map(({ balance }) => balance + 2))
  expect(await events.head()).toBeGreaterThanOrEqual(3 * callers)
}

async function saveBoth(pool: HistoryStore, id: string): Promise<void> {
  const session = pool.session()
  await session.docs.accounts.loadMany([id, 'other'])
  session.docs.accounts.store({ id, balance: 1 })
  session.events.append(id, added)
  await session.saveChanges()
  expect(await session.docs.accounts.load(id)).toEqual({ id, balance: 1 })
}

async function rowLock({ docs }: HistoryStore): Promise<void> {
  await docs.accounts.put({ id: 'one', balance: 0 })
  await each(() =>
    docs.accounts.update('one', async ({ id, balance }) => Promise.resolve({ id, balance: balance + 1 })),
  )
  expect(await docs.accounts.getStored('one')).toMatchObject({ version: callers + 1, doc: { balance: callers } })
}

async function bothInTransactions(pool: HistoryStore): Promise<void> {
  await each((at) =>
    pool.transaction(async (tx) => {
      await tx.docs.accounts.put({ id: `t-${at}`, balance: at })
      await tx.events.append('shared', added)
      await tx.sql`select 1`
    }),
  )
  expect(await pool.events.streamInfo('shared')).toMatchObject({ version: callers })
}

async function wait({ events }: HistoryStore): Promise<void> {
  const head = await events.head()
  const waiting = each(() => events.waitForHead(head))
  const { position } = await events.append('awaited', added)
  expect(await waiting).toEqual(Array<number>(callers).fill(position))
}

/** The sources and the bodies of loops use the store themselves. */
async function readWhileWriting({ docs, events }: HistoryStore): Promise<void> {
  await docs.accounts.putMany(accounts('r'))
  await events.append('r', Array<(typeof added)[0]>(callers).fill(added[0]))
  let seen = 0
  for await (const { id, balance } of docs.accounts.query({ balance: gte(0) }).iterate({ pageSize: 10 })) {
    await docs.registers.put({ id, value: `${balance}` })
    seen += 1
  }
  for await (const event of events.readStream('r', { pageSize: 10 })) {
    await events.append('copy', [{ type: event.type, data: event.data }])
    seen += 1
  }
  for await (const event of events.readAll({ pageSize: 10 })) {
    await docs.registers.put({ id: event.id, value: event.streamId })
    seen += 1
  }
  expect(seen).toBe(4 * callers)
}

async function transfer({ docs, events }: HistoryStore): Promise<void> {
  await docs.accounts.putMany(accounts('source'))
  async function* rows(): AsyncGenerator<{ streamId: string; type: 'Added'; data: Record<string, never> }> {
    for await (const { id } of docs.accounts.query().iterate({ pageSize: 10 }))
      yield { streamId: `import-${id}`, ...added[0] }
  }
  expect(await events.import(rows(), { batchSize: 10 })).toMatchObject({ events: callers })
  async function* registers(): AsyncGenerator<{ id: string; value: string }> {
    for await (const { id, streamId } of events.readAll({ pageSize: 10 })) yield { id, value: streamId }
  }
  expect(await docs.registers.importAll(registers())).toBe(callers)
  let exported = 0
  for await (const { streamId } of parseExport(events.export())) exported += streamId.startsWith('import-') ? 1 : 0
  expect(exported).toBe(callers)
}

const flows: readonly (readonly [what: string, flow: Flow])[] = [
  ['an append alone', async ({ events }) => expect(await events.append('one', added)).toMatchObject({ version: 1 })],
  [`${callers} appends at once`, ({ events }) => each((at) => events.append(`s-${at % 7}`, added))],
  ['all calls at once', mixed],
  ['updates under one row lock', rowLock],
  ['sessions', (pool) => each((at) => saveBoth(pool, `s-${at}`))],
  ['transactions with documents and events', bothInTransactions],
  ['sync, by several at once', (pool) => each(() => sync(pool))],
  ['waitForHead', wait],
  ['reading while writing', readWhileWriting],
  ['import and export', transfer],
]

describe.each([1, 2])('R14: on a pool of %i', (size) => {
  beforeEach(() => open(size))
  afterEach(() => within('close', store.close()))

  test.each(flows)('%s: no deadlock, and no connection more', async (what, flow) => {
    await within(what, flow(store))
    expect((await poolOnServer()).open).toBeLessThanOrEqual(size)
  })
})

describe('R14: a call on the store inside a transaction on a pool of 1 is PoolTimeout', () => {
  beforeEach(() => open(1, 1_000))
  afterEach(() => within('close', store.close()))

  const calls: readonly (readonly [what: string, call: Flow])[] = [
    ['append', ({ events }) => events.append('inner', added)],
    ['put', ({ docs }) => docs.accounts.put({ id: 'inner', balance: 1 })],
    ['get', ({ docs }) => docs.accounts.get('inner')],
    ['patch', ({ docs }) => docs.accounts.patch('inner', (patch) => patch.increment('balance'))],
    ['find', ({ docs }) => docs.accounts.find({})],
    ['putMany', async ({ docs }) => {
      const [outcome] = (await docs.accounts.putMany(accounts('inner'))).outcomes
      if (outcome?.error !== undefined) throw outcome.error
    }],
    ['readAll', ({ events }) => events.readAll().toArray()],
    ['head', ({ events }) => events.head()],
    ['a transaction', (pool) => pool.transaction((tx) => tx.events.append('inner', added))],
    ['a session', (pool) => saveBoth(pool, 'inner')],
    ['an import', ({ events }) => events.import([{ streamId: 'inner', ...added[0] }])],
    ['sync', (pool) => sync(pool)],
  ] // prettier-ignore

  /** One after the other: of many at once the last might wait longer than this pool lets anyone. */
  async function appendInTurn(): Promise<void> {
    for (let at = 0; at < 10; at += 1) await store.events.append(`after-${at % 3}`, added)
  }

  test.each(calls)('%s; nothing is stored, and the pool is whole', async (what, call) => {
    let inner: unknown
    const outer = store.transaction(async (tx) => {
      await tx.events.append('outer', added)
      await call(store).catch((error: unknown) => {
        inner = error
        throw error
      })
    })
    const error: unknown = await within(what, outer).catch((reason: unknown) => reason)
    expect(error).toBe(inner)
    // An import says at which row it was, and has the error as its cause.
    const timeout = isRillflowError(error, 'ImportFailed') ? error.cause : error
    expect(timeout).toMatchObject({ code: 'PoolTimeout', retryable: true })
    await within('afterwards', appendInTurn())
    expect(await store.events.streamExists('outer')).toBe(false)
    expect(await store.events.streamExists('inner')).toBe(false)
    expect(await poolOnServer()).toEqual({ open: 1, inTransaction: 0 })
  })

  test('a call that waits behind a transaction of somebody else is served when that ends', async () => {
    const begun = barrier(2)
    const ending = barrier(2)
    const holding = store.transaction(async (tx) => {
      await tx.events.append('outer', added)
      await begun()
      await ending()
    })
    await begun()
    const refused: unknown = await within('refused', store.events.head()).catch((reason: unknown) => reason)
    expect(refused).toMatchObject({ code: 'PoolTimeout' })
    const served = store.events.append('later', added)
    await ending()
    await holding
    expect(await within('served', served)).toMatchObject({ version: 1 })
  })
})
