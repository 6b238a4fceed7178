import { setTimeout as pause } from 'node:timers/promises'
import { useDatabase } from '@rillflow/testing/vitest'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { canCopy, copyIn, fromDriverError, type ClientLike, type CopyChunks } from '../src/index.js'

const database = useDatabase()
let client: Client

beforeEach(async () => {
  client = await connect()
  await client.query('create temporary table t (n int, v text)')
})

afterEach(() => client.end().catch(() => undefined))

async function connect(options: object = {}): Promise<Client> {
  const made = new Client({ connectionString: database.url, ...options })
  // The errors of a connection that a test ends come by the copy.
  made.on('error', () => undefined)
  await made.connect()
  return made
}

const statement = 'copy t from stdin'
const copy = (text: string, chunks: CopyChunks): Promise<number> => copyIn(client, text, chunks)

async function rows(): Promise<unknown> {
  return (await client.query('select n, v from t order by n')).rows
}

async function* slowly(chunks: Iterable<string>): AsyncGenerator<string> {
  for (const chunk of chunks) {
    await pause(0)
    yield chunk
  }
}

const ways: readonly (readonly [string, (chunks: Iterable<string>) => CopyChunks])[] = [
  ['of an iterable', (chunks) => chunks],
  ['of an async iterable', slowly],
]

test.each(ways)('chunks %s may be cut anywhere, and the rows are counted', async (_, chunked) => {
  expect(await copy(statement, chunked(['1\ta', '\n2\t', '\\N\n3\tü€', '😀\n']))).toBe(3)
  expect(await rows()).toEqual([
    { n: 1, v: 'a' },
    { n: 2, v: null },
    { n: 3, v: 'ü€😀' },
  ])
  expect(await copy(statement, chunked([]))).toBe(0)
})

test.each<[string, string, Iterable<string>, object]>([
  ['refused before it begins', 'copy nothing from stdin', ['1\ta\n'], { code: '42P01' }],
  ['refused at a row', statement, ['1\ta\nx\ty\n3\tb\n'], { code: '22P02', where: 'COPY t, line 2' }],
  ['refused at its end', statement, ['1\ta\n2'], { code: '22P04' }],
])('after a COPY that is %s the connection takes the next statement', async (_, text, chunks, error) => {
  await expect(copy(text, chunks)).rejects.toMatchObject(error)
  expect(await rows()).toEqual([])
  expect(await copy(statement, ['1\ta\n'])).toBe(1)
})

test('an error holds the line and none of the values', async () => {
  await client.query('create unique index on t (v)')
  const error = await copy(statement, ['1\tcanary\n2\tcanary\n']).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: '23505', where: 'COPY t, line 2' })
  expect(JSON.stringify({ ...(error as object), message: (error as Error).message })).not.toContain('canary')
})

test.each(ways)('a source %s that fails calls it off, and its error comes out unchanged', async (_, chunked) => {
  const mine = new Error('from the source')
  const failing = function* (): Generator<string> {
    yield '1\ta\n'
    throw mine
  }
  await expect(copy(statement, chunked(failing()))).rejects.toBe(mine)
  expect(await rows()).toEqual([])
  expect(await copy(statement, ['1\ta\n'])).toBe(1)
})

test.each(ways)('what a source %s has open is closed when the server refuses a row', async (_, chunked) => {
  let closed = false
  let made = 0
  const source = function* (): Generator<string> {
    try {
      for (; made < 100_000; made += 1) yield `x\t${'y'.repeat(1_000)}\n`
    } finally {
      closed = true
    }
  }
  await expect(copy(statement, chunked(source()))).rejects.toMatchObject({ code: '22P02' })
  await until(() => closed)
  expect(made).toBeLessThan(100_000)
})

/** Waits until `check` holds. */
async function until(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 30_000 && !check(); turn += 1) await pause(1)
  expect(check()).toBe(true)
}

/** A table whose inserts wait for the lock that the gate holds. */
async function gated(table: string): Promise<{ holder: number; open: () => Promise<void> }> {
  await database.query(`create table ${table} (n int, v text)`)
  await database.query(`
    create function ${table}_wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(9); return new; end $$;
    create trigger wait before insert on ${table} for each row execute function ${table}_wait()`)
  const gate = await database.pool.connect()
  const { rows: backends } = await gate.query<{ pid: number }>('select pg_advisory_lock(9), pg_backend_pid() as pid')
  return {
    holder: backends[0]?.pid ?? 0,
    open: async () => {
      await gate.query('select pg_advisory_unlock(9)')
      gate.release()
    },
  }
}

/** The process that waits for `holder`. */
async function blockedBy(holder: number): Promise<number> {
  for (let look = 0; look < 12_000; look += 1) {
    const found = await database.query<{ pid: number }>(
      'select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
      [holder],
    )
    if (found.rows[0] !== undefined) return found.rows[0].pid
    await pause(5)
  }
  throw new Error('nobody waits for the gate')
}

test.each(ways)('chunks %s are made no faster than the server takes them', async (way, chunked) => {
  const table = way === 'of an iterable' ? 'slow' : 'slow_async'
  const { holder, open } = await gated(table)
  let made = 0
  const chunks = function* (): Generator<string> {
    for (; made < 1_000; made += 1) yield `1\t${'x'.repeat(64 * 1024)}\n`
  }
  const copying = copy(`copy ${table} from stdin`, chunked(chunks()))
  try {
    await blockedBy(holder)
    // Time enough to make all of them; what is on its way is what sockets hold: far from all.
    await pause(100)
    expect(made).toBeLessThan(500)
  } finally {
    await open()
  }
  expect(await copying).toBe(1_000)
})

test.each([10, 64 * 1024])('a connection that is ended meanwhile ends it, rows of %d bytes', async (size) => {
  const table = `ended_${size}`
  const { holder, open } = await gated(table)
  let closed = false
  const chunks = function* (): Generator<string> {
    try {
      for (let at = 0; at < 1_000; at += 1) yield `1\t${'x'.repeat(size)}\n`
    } finally {
      closed = true
    }
  }
  // Of little, all is sent by now; of much, the buffer is full and never drains.
  const copying = copy(`copy ${table} from stdin`, chunks()).catch((error: unknown) => error)
  try {
    await database.query('select pg_terminate_backend($1)', [await blockedBy(holder)])
    // The server's word for it, or the socket's, whichever comes first.
    expect(fromDriverError(await copying, 'copy')).toMatchObject({ code: 'ConnectionLost' })
  } finally {
    await open()
  }
  await until(() => closed)
  expect((await database.query(`select from ${table}`)).rowCount).toBe(0)
})

test("one that takes longer than the driver's query_timeout is given up", async () => {
  const { holder, open } = await gated('timed')
  const timed = await connect({ query_timeout: 2_000 })
  try {
    const late = copyIn(timed, 'copy timed from stdin', ['1\ta\n']).catch((error: unknown) => error)
    await blockedBy(holder)
    expect(await late).toMatchObject({ message: 'Query read timeout' })
  } finally {
    await open()
    await timed.end().catch(() => undefined)
  }
})

test.each<[string, object]>([
  ['an adapter', { query: () => undefined }],
  ['a native client', { query: () => undefined, native: {} }],
  ['another connection', { query: () => undefined, connection: { query: () => undefined } }],
])('%s is no client that can COPY', (_, other) => {
  expect(canCopy(other as ClientLike)).toBe(false)
})

test('a client is one that can COPY, unless it is in pipeline mode', () => {
  expect(canCopy(client)).toBe(true)
  expect(canCopy(Object.assign(Object.create(client) as Client, { pipeline: true }))).toBe(false)
})
