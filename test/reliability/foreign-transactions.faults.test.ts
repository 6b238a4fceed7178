import { startPostgres, type EmbeddedPostgres } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { wrongFeed } from './support/children/wrong-feeds.mjs'
import { makeSchema, openStore, type ReliabilityStore } from './support/open-store.js'

const long = process.env['RILLFLOW_LONG'] === '1'
const appends = long ? 3_000 : 100

let server: EmbeddedPostgres
let pool: pg.Pool
let store: ReliabilityStore
let schema: string
let made = 0

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded', settings: { max_prepared_transactions: 5 } })
  pool = new pg.Pool({ connectionString: server.url, max: 8 })
  pool.on('error', () => undefined)
  await pool.query('create database another')
  await pool.query('create table foreign_work (n int)')
})

afterAll(async () => {
  await pool.end()
  await server.stop()
})

beforeEach(async () => {
  made += 1
  schema = `foreign_${made}`
  await makeSchema(server.url, schema)
  await pool.query(`alter table ${schema}.events add column xid xid8 not null default pg_current_xact_id()`)
  store = openStore({ pool: { connect: () => pool.connect() } }, schema)
})

/** A foreign transaction that is open until the end of the block. */
class Foreign implements AsyncDisposable {
  readonly #client: pg.Client
  readonly #end: string

  private constructor(client: pg.Client, end: string) {
    this.#client = client
    this.#end = end
  }

  static async open(database: string, statements: string, end = 'rollback'): Promise<Foreign> {
    const url = new URL(server.url)
    url.pathname = `/${database}`
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query(statements)
    return new Foreign(client, end)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.query(this.#end)
    await this.#client.end()
  }
}

const write = 'begin; insert into foreign_work values (1)'

const kinds: readonly (readonly [name: string, open: () => Promise<Foreign>])[] = [
  ['a write in this database', () => Foreign.open('postgres', write)],
  ['a write in another database', () => Foreign.open('another', 'begin; create table work (n int)')],
  [
    'a prepared write',
    () => Foreign.open('postgres', `${write}; prepare transaction 'foreign'`, `rollback prepared 'foreign'`),
  ],
  ['a lock on a stream', () => Foreign.open('postgres', `begin; select from ${schema}.streams where stream_id = 'locked' for update`)],
  ['a lock on events', () => Foreign.open('postgres', `begin; select from ${schema}.events for update`)],
  ['a serializable reader', () => Foreign.open('postgres', `begin isolation level serializable; select count(*) from ${schema}.events`)],
  ['a write to a document of this schema', () => Foreign.open('postgres', `begin; insert into ${schema}.docs (collection, id, doc, version, created_at, updated_at) values ('notes', 'n', '{}', 1, now(), now())`)],
] // prettier-ignore

async function append(streamId: string): Promise<number> {
  return (await store.events.append(streamId, [{ type: 'Placed', data: {} }])).position
}

describe('R2: a transaction that does not append, however long it is open, holds no reader', () => {
  test.each(kinds)('%s', async (_, open) => {
    await append('locked')
    await using foreign = await open()
    expect(foreign).toBeDefined()
    let seen = 1
    for (let turn = 0; turn < appends; turn += 1) {
      const position = await append(`stream-${turn % 7}`)
      expect(await store.events.waitForHead(seen)).toBe(position)
      const read = await store.events.readAll({ after: seen }).toArray()
      expect(read.map((event) => event.position)).toEqual([position])
      seen = position
    }
    expect(await store.events.blockers()).toEqual([])
  })

  test('and each write of them would blind a reader that goes by transaction ids', async () => {
    for (const [name, open] of kinds.slice(0, 3)) {
      const query = async (text: string, values: unknown[]): Promise<readonly unknown[]> =>
        (await pool.query(text, values)).rows as readonly unknown[]
      await using foreign = await open()
      expect(foreign).toBeDefined()
      const position = await append('s')
      const seen = await wrongFeed(query, schema, 'transactionId').next(10_000)
      expect(seen.map((event) => event.position), name).not.toContain(position) // prettier-ignore
    }
  })
})

test('R2: a stuck appender is named, and the head moves on when it is ended by that name', async () => {
  const first = await append('before')
  const stuck = new pg.Client({ connectionString: server.url, application_name: 'stuck-worker' })
  stuck.on('error', () => undefined)
  await stuck.connect()
  await stuck.query('begin')
  await store.transaction({ client: stuck }, (tx) => tx.events.append('stuck', [{ type: 'Placed', data: {} }]))
  const later = await append('later')
  expect(await store.events.head()).toBe(first)
  const [blocker, ...rest] = await store.events.blockers()
  expect(rest).toEqual([])
  expect(blocker).toMatchObject({ application: 'stuck-worker', state: 'idle in transaction', floor: first })
  expect(blocker?.age).toBeGreaterThanOrEqual(0)
  const waiting = store.events.waitForHead(first)
  await pool.query('select pg_terminate_backend($1)', [blocker?.pid])
  expect(await waiting).toBe(later)
  expect((await store.events.readAll().toArray()).map((event) => event.streamId)).toEqual(['before', 'later'])
})
