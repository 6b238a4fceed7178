import { createStore, singleTenant, typed } from '@rillflow/core'
import { defineCollection, documents, index } from '@rillflow/documents'
import { defineEvents, events } from '@rillflow/events'
import { plan, status, sync } from '@rillflow/schema'
import { startPostgres, type PostgresServer } from '@rillflow/testing'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pageAt } from './documentation/markdown-page.js'
import { pagePrograms, type PagePrograms } from './documentation/run-page.js'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres({ from: 'embedded' })
})
afterAll(() => server.stop())

/** The URL of a database of this server, as a role. */
function urlOf(database: string, role?: string, password = ''): string {
  const url = new URL(server.url)
  url.pathname = `/${database}`
  if (role !== undefined) Object.assign(url, { username: role, password })
  return url.href
}

async function run(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}

async function makeDatabase(name: string): Promise<void> {
  await run(server.url, `create database ${name}`)
}

test('the programs of the guide for newcomers run one after the other, and print what the guide says', async () => {
  await makeDatabase('guide')
  using programs = await pagePrograms(pageAt('docs/guides/getting-started.md'))
  expect([...programs.printed.keys()]).toContain('session.ts')
  for (const [name, printed] of programs.printed) {
    expect(await programs.run(name, { DATABASE_URL: urlOf('guide') }), name).toBe(printed)
  }
})

describe('the page for operators', () => {
  const page = pageAt('docs/operations.md')
  const migrating = (): string => urlOf('operated', 'app_migrate', 'change-me')
  const running = (): string => urlOf('operated', 'app_run', 'change-me-too')
  let programs: PagePrograms

  /** A block of SQL of the page, by its name. */
  function sqlOf(name: string): string {
    const block = page.blocks.find(({ fileName }) => fileName === name)
    if (block === undefined) throw new Error(`${page.path} has no block ${name}.`)
    return block.text
  }

  beforeAll(async () => {
    programs = await pagePrograms(page)
    await makeDatabase('operated')
    await run(urlOf('operated'), sqlOf('roles.sql'))
    await using store = open(migrating())
    await sync(store)
    await run(migrating(), sqlOf('narrow.sql'))
  })
  afterAll(() => programs[Symbol.dispose]())

  test('the role for requests can do all that a store does', async () => {
    await using store = open(running())
    const { customers } = store.docs
    await customers.put({ id: 'c-1', email: 'ada@example.com' })
    await customers.update('c-1', (customer) => customer)
    await customers.delete('c-1')
    await customers.restore('c-1')
    await customers.purge('c-1', { force: true })

    await store.events.append('s-1', [done(1)], { idempotencyKey: 'k' })
    await store.events.append('s-1', [done(1)], { idempotencyKey: 'k' })
    await store.events.import([{ streamId: 's-2', ...done(2) }], { name: 'i' })
    await store.events.archiveStream(await store.events.resolveAlias('a', { create: () => 's-2' }))
    expect(await store.events.readAll().toArray()).toHaveLength(2)
    expect(await store.events.verify()).toEqual([])
    expect(await store.events.repair()).toEqual([])
    expect(await store.events.blockers()).toEqual([])
  })

  test('it may sync, plan and ask for the status where nothing is left to do', async () => {
    await using store = open(running())
    expect((await sync(store)).applied).toEqual([])
    expect((await plan(store)).steps).toEqual([])
    expect((await status(store)).upToDate).toBe(true)
  })

  test.each([
    'create table rillflow.mine (id int)',
    'delete from rillflow.events',
    "update rillflow.migrations set checksum = ''",
    'drop table rillflow.docs',
  ])('it may not %s', async (sql) => {
    await expect(run(running(), sql)).rejects.toMatchObject({ code: '42501' })
  })

  test('the check at the start tells a schema that is not migrated, and lets one pass that is', async () => {
    expect(await programs.run('check-schema.ts', { DATABASE_URL: running() })).toMatch(/^documents \d, events \d\n$/)
    await makeDatabase('empty')
    const failed = programs.run('check-schema.ts', { DATABASE_URL: urlOf('empty') })
    await expect(failed).rejects.toThrow('not migrated yet: documents, events')
  })

  test('who holds the head is named', async () => {
    const client = new pg.Client({ connectionString: running() })
    await client.connect()
    await client.query('begin; select rillflow.hold_floor()')
    try {
      const printed = await programs.run('blockers.ts', { DATABASE_URL: urlOf('operated') })
      expect(printed).toMatch(/^process \d+: idle in transaction, open for \d+ s, holds the head at \d+\nhead \d+\n$/)
    } finally {
      await client.end()
    }
  })

  test('another role sees no state of it without pg_read_all_stats', async () => {
    const client = new pg.Client({ connectionString: urlOf('operated') })
    await client.connect()
    await client.query('begin; select rillflow.hold_floor()')
    try {
      await using store = open(running())
      expect(await store.events.blockers()).toMatchObject([{ state: undefined }])
      await run(urlOf('operated'), 'grant pg_read_all_stats to app_run')
      expect(await store.events.blockers()).toMatchObject([{ state: 'idle in transaction' }])
    } finally {
      await client.end()
    }
  })

  test('a stream that does not add up is named and mended', async () => {
    await run(migrating(), "update rillflow.streams set version = 7 where stream_id = 's-1'")
    const printed = await programs.run('check-streams.ts', { DATABASE_URL: running() })
    expect(printed).toBe('s-1 version row 7, events 1\nmended: 1\n')
    expect(await programs.run('check-streams.ts', { DATABASE_URL: running() })).toBe('')
  })

  test('sequences that were left behind are told, and set right by the statement of the page', async () => {
    await run(migrating(), "select setval('rillflow.events_position_seq', 1)")
    await run(migrating(), "select setval(pg_get_serial_sequence('rillflow.streams', 'stream_no'), 1)")
    await using store = open(running())
    await expect(store.events.head()).rejects.toMatchObject({ code: 'SequenceBehind' })
    await run(migrating(), sqlOf('set-sequences.sql'))
    await store.events.append('after-restore', [done(1)], { expected: 'noStream' })
    expect(await store.events.head()).toBeGreaterThan(2)
  })

  test('the channels tell of an append', async () => {
    const printed = await programs.run('measure.ts', { DATABASE_URL: running() })
    expect(printed).toBe('append rillflow 1 measured\n')
  })

  test('the other statements run', async () => {
    await run(urlOf('operated'), sqlOf('timeouts.sql'))
    await run(migrating(), sqlOf('analyze.sql'))
    await run(migrating(), sqlOf('old-keys.sql'))
    const { rows } = await run(running(), sqlOf('vacuum.sql'))
    expect(rows).toContainEqual(expect.objectContaining({ relname: 'streams' }))
  })

  test('the timeouts of the role come out as the errors that the page names', async () => {
    await run(urlOf('operated'), "alter role app_run set statement_timeout = '50ms'")
    try {
      await using store = open(running())
      const slow = store.transaction((tx) => tx.sql`select pg_sleep(60)`)
      await expect(slow).rejects.toMatchObject({ code: 'QueryCanceled' })
    } finally {
      // Nobody after this wants to be done in so short a time.
      await run(urlOf('operated'), 'alter role app_run reset statement_timeout')
    }
  })

  test('the store behind a pooler can be made', async () => {
    expect(await programs.run('pooled-store.ts', { DATABASE_URL: running() })).toBe('')
  })

  test('each block of the page is one that is run above', () => {
    const blocks = page.blocks.filter(({ language }) => language === 'sql' || language === 'ts')
    expect(blocks.map(({ fileName }) => fileName)).toEqual([
      'roles.sql',
      'narrow.sql',
      'check-schema.ts',
      'blockers.ts',
      'check-streams.ts',
      'set-sequences.sql',
      'pooled-store.ts',
      'timeouts.sql',
      'measure.ts',
      'analyze.sql',
      'vacuum.sql',
      'old-keys.sql',
    ])
  })

  test('the limits are as the page says', async () => {
    await using store = open(running())
    const codeOf = (call: () => unknown): Promise<unknown> =>
      Promise.resolve()
        .then(call)
        .then(
          () => 'no error',
          (error: { code?: unknown }) => error.code,
        )
    const deep = (levels: number): unknown => (levels === 0 ? 0 : [deep(levels - 1)])
    const append = (streamId: string, list: readonly ReturnType<typeof done>[]) => store.events.append(streamId, list)
    const tooMany = Array.from({ length: 10_001 }, (_, n) => done(n))
    expect(await codeOf(() => append('many', tooMany))).toBe('LimitExceeded')
    expect(await codeOf(() => append('x'.repeat(1_001), [done(1)]))).toBe('InvalidArgument')
    expect(await codeOf(() => append('deep', [{ type: 'Done', data: { n: 1, deep: deep(501) } }]))).toBe(
      'UnstorableValue',
    )
    expect(await codeOf(() => store.docs.customers.get('x'.repeat(1_025)))).toBe('InvalidArgument')
    expect(await codeOf(() => defineCollection('x'.repeat(129), { schema: typed<{ id: string }>() }))).toBe(
      'InvalidArgument',
    )
    expect(await codeOf(() => singleTenant({ schema: 'x'.repeat(64) }))).toBe('InvalidIdentifier')
  })
})

function done(n: number): { readonly type: 'Done'; readonly data: { n: number; deep?: unknown } } {
  return { type: 'Done', data: { n } }
}

function open(connection: string) {
  const Customer = defineCollection('customers', {
    schema: typed<{ id: string; email: string }>(),
    indexes: [index('email', { unique: true })],
  })
  const family = defineEvents('done', { Done: typed<{ n: number; deep?: unknown }>() })
  return createStore({ connection, modules: { docs: documents({ customers: Customer }), events: events({ family }) } })
}
