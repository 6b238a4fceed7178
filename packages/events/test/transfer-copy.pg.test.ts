import { useDatabase } from '@rillflow/testing/vitest'
import { Client, Pool } from 'pg'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { asCopyClient, CopyIn } from '../src/transfer/import/copy-in.js'
import { backendOf, untilBlockedBy } from './support/blocking.js'
import { eventsOf, newStore, storeOn } from './support/test-store.js'
import { numbered } from './support/numbered.js'

const database = useDatabase()
let client: Client

beforeEach(async () => {
  client = new Client({ connectionString: database.url })
  await client.connect()
  await client.query('create temporary table t (n int, v text)')
})

afterEach(() => client.end())

const statement = 'copy t from stdin'

/** Sends a COPY by the client of the test, and gives what became of it. */
async function copy(text: string, chunks: Iterable<string>): Promise<number> {
  const copyIn = new CopyIn(text, chunks)
  asCopyClient(client)?.query(copyIn)
  return copyIn.done
}

async function rows(): Promise<unknown> {
  return (await client.query('select n, v from t order by n')).rows
}

test('chunks may be cut anywhere, and the rows are counted', async () => {
  expect(await copy(statement, ['1\ta', '\n2\t', '\\N\n3\tü€', '😀\n'])).toBe(3)
  expect(await rows()).toEqual([
    { n: 1, v: 'a' },
    { n: 2, v: null },
    { n: 3, v: 'ü€😀' },
  ])
  expect(await copy(statement, [])).toBe(0)
})

test.each<[string, string, Iterable<string>, object]>([
  ['refused before it begins', 'copy nothing from stdin', ['1\ta\n'], { code: '42P01' }],
  ['refused at a row', statement, ['1\ta\nx\ty\n3\tb\n'], { code: '22P02', where: 'COPY t, line 2, column n: "x"' }],
  ['refused at its end', statement, ['1\ta\n2'], { code: '22P04' }],
])('after a COPY that is %s the connection takes the next statement', async (_, text, chunks, error) => {
  await expect(copy(text, chunks)).rejects.toMatchObject(error)
  expect(await rows()).toEqual([])
  expect(await copy(statement, ['1\ta\n'])).toBe(1)
})

test('one whose chunks cannot be made is called off, and the connection takes the next statement', async () => {
  const chunks = function* (): Generator<string> {
    yield '1\ta\n'
    throw new Error('from the chunks')
  }
  await expect(copy(statement, chunks())).rejects.toThrow('from the chunks')
  expect(await rows()).toEqual([])
  expect(await copy(statement, ['1\ta\n'])).toBe(1)
})

test('chunks are made no faster than the server takes them', async () => {
  await database.query('create table slow (n int, v text)')
  await database.query(`
    create function wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(9); return new; end $$;
    create trigger wait before insert on slow for each row execute function wait()`)
  const gate = await database.pool.connect()
  await gate.query('select pg_advisory_lock(9)')
  let made = 0
  const chunks = function* (): Generator<string> {
    for (; made < 1_000; made += 1) yield `1\t${'x'.repeat(64 * 1024)}\n`
  }
  const copying = copy('copy slow from stdin', chunks())
  await untilBlockedBy(database.pool, await backendOf(gate))
  // What is on its way is what sockets hold: far from all.
  expect(made).toBeLessThan(500)
  await gate.query('select pg_advisory_unlock(9)')
  gate.release()
  expect(await copying).toBe(1_000)
})

test('the driver hears of the end, so that it stops its own clock', async () => {
  for (const [text, ending] of [
    [statement, undefined],
    ['copy nothing from stdin', expect.objectContaining({ code: '42P01' }) as unknown],
  ] as const) {
    const told: unknown[] = []
    const copyIn = new CopyIn(text, [])
    copyIn.callback = (error) => void told.push(error)
    asCopyClient(client)?.query(copyIn)
    await copyIn.done.catch(() => undefined)
    expect(told).toEqual([ending])
  }
})

test("a COPY that takes longer than the driver's query_timeout is ended with its connection", async () => {
  const { schema } = await newStore(database.pool)
  const pool = new Pool({ connectionString: database.url, max: 1, query_timeout: 500 })
  onTestFinished(() => pool.end())
  const store = storeOn({ connect: () => pool.connect() }, schema)
  await database.query(`
    create function "${schema}".wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(8); return new; end $$;
    create trigger wait before insert on "${schema}".events for each row execute function "${schema}".wait()`)
  const gate = await database.pool.connect()
  await gate.query('select pg_advisory_lock(8)')
  try {
    await expect(store.events.import(numbered(3, ['s']))).rejects.toMatchObject({ cause: { code: 'ConnectionLost' } })
  } finally {
    await gate.query('select pg_advisory_unlock(8)')
    gate.release()
  }
  expect(await store.events.import(numbered(3, ['t']))).toMatchObject({ events: 3 })
  expect((await eventsOf(store)).length).toBeGreaterThanOrEqual(3)
})

test.each<[string, object]>([
  ['an adapter', { query: () => undefined }],
  ['a native client', { query: () => undefined, native: {} }],
  ['another connection', { query: () => undefined, connection: { query: () => undefined } }],
])('%s is no client that can COPY', (_, other) => {
  expect(asCopyClient(other as Client)).toBeUndefined()
})

test('a client is one that can COPY, unless it is in pipeline mode', () => {
  expect(asCopyClient(client)).toBe(client)
  expect(asCopyClient(Object.assign(Object.create(client) as Client, { pipeline: true }))).toBeUndefined()
})
