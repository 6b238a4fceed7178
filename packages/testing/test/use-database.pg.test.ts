import { useDatabase } from '@rillflow/testing/vitest'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createDatabase } from '../src/databases/create-database.js'
import { databaseUrl } from '../src/databases/database-names.js'
import { withClient } from '../src/databases/with-client.js'

let migrations = 0

async function migrate(url: string): Promise<void> {
  migrations++
  const pool = new Pool({ connectionString: url })
  await pool.query('create table note (text text not null)')
  await pool.query("insert into note values ('from the template')")
  await pool.end()
}

describe('a database of a file', () => {
  const first = useDatabase({ template: 'notes', migrate, max: 2 })
  const second = useDatabase({ template: 'notes', migrate })

  test('is a clone of the migrated template', async () => {
    const { rows } = await first.query('select text from note')
    expect(rows).toEqual([{ text: 'from the template' }])
  })

  test('shares nothing with another clone, and the template is migrated once', async () => {
    await first.query('insert into note values ($1)', ['only here'])
    expect((await first.query('select * from note')).rowCount).toBe(2)
    expect((await second.query('select * from note')).rowCount).toBe(1)
    expect(first.name).not.toBe(second.name)
    expect(migrations).toBe(1)
  })

  test('has a pool as large as was asked for', async () => {
    expect(first.pool.options.max).toBe(2)
    expect(first.pool).toBe(first.pool)
    await expect(first.query('select current_database() as name')).resolves.toMatchObject({
      rows: [{ name: first.name }],
    })
  })

  test('survives connections that the server cuts', async () => {
    const client = await second.pool.connect()
    const ended = new Promise<void>((resolve) => void client.once('end', () => resolve()))
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await second.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await ended
    client.release(true)
    await expect(second.query('select 1')).resolves.toMatchObject({ rowCount: 1 })
  })

  test.skipIf(inject('rillflowPostgres').kind !== 'embedded')('tells what the server logged about it', async () => {
    await expect(first.query('select no_such_column')).rejects.toMatchObject({ code: '42703' })
    const log = await first.log()
    expect(log).toMatch(/ 42703 ERROR: .*no_such_column/)
    expect(log).toContain('STATEMENT:  select no_such_column')
    expect(await second.log()).not.toContain('no_such_column')
  })
})

describe('without a template', () => {
  const empty = useDatabase()
  const migrated = useDatabase({ migrate })

  test('it is empty, or migrated by itself', async () => {
    const tables = "select 1 from pg_class where relname = 'note'"
    expect((await empty.query(tables)).rowCount).toBe(0)
    expect((await migrated.query(tables)).rowCount).toBe(1)
  })
})

describe('after its file', () => {
  const { url: server } = inject('rillflowPostgres')
  let name: string
  let leaked: Client
  let pool: Pool
  const errors = { leaked: [] as unknown[], pool: [] as unknown[] }

  describe('with connections that the test has left open', () => {
    const database = useDatabase({ template: 'notes', migrate })
    beforeAll(async () => {
      name = database.name
      pool = database.pool.on('error', (error) => errors.pool.push(error))
      await Promise.all(Array.from({ length: 5 }, () => database.query('select pg_sleep(0.01)')))
      leaked = new Client({ connectionString: database.url })
      leaked.on('error', (error) => errors.leaked.push(error))
      await leaked.connect()
    })
    afterAll(async () => {
      // Without a listener, as users write it: an error on one of its last sockets would fail the run as unhandled.
      const own = new Pool({ connectionString: database.url, max: 10 })
      await Promise.all(Array.from({ length: 10 }, () => own.query('select pg_sleep(0.01)')))
      await own.end()
    })
    test('is in use', async () => {
      await expect(exists(name)).resolves.toBe(true)
    })
  })

  test('it is dropped, and the connections of its pool are not cut but closed', async () => {
    await expect(exists(name)).resolves.toBe(false)
    expect(pool.ended).toBe(true)
    expect(errors.pool).toEqual([])
    expect(errors.leaked).not.toEqual([])
  })

  afterAll(() => leaked.end())

  async function exists(database: string): Promise<boolean> {
    const text = 'select 1 from pg_database where datname = $1'
    return (await withClient(server, (client) => client.query(text, [database]))).rowCount === 1
  }
})

describe('a template', () => {
  const { url, runId } = inject('rillflowPostgres')

  test('is made once when many ask at once', async () => {
    let calls = 0
    const names = await Promise.all(
      Array.from({ length: 8 }, () =>
        createDatabase({ url, runId, template: 'crowd', migrate: async () => void calls++ }),
      ),
    )
    expect(calls).toBe(1)
    expect(new Set(names).size).toBe(8)
  })

  test('is not trusted after a migration that failed', async () => {
    const failing = async (to: string): Promise<void> => {
      await withClient(to, (client) => client.query('create table half ()'))
      throw new Error('half-way')
    }
    const wanted = { url, runId, template: 'second try' }
    await expect(createDatabase({ ...wanted, migrate: failing })).rejects.toThrow('half-way')
    const name = await createDatabase({ ...wanted, migrate })
    const { rowCount } = await withClient(databaseUrl(url, name), (client) => client.query('select * from note'))
    expect(rowCount).toBe(1)
  })

  test('may have any name', async () => {
    const template = `"; drop database postgres; -- ${'é'.repeat(100)}`
    await expect(createDatabase({ url, runId, template, migrate })).resolves.toMatch(/^rillflow_test_/)
  })
})

test('using the database before the first hook says so', () => {
  expect(() => useDatabaseOutside()).toThrow(expect.objectContaining({ code: 'NO_DATABASE' }))
})

test('a template without migrate is refused', () => {
  expect(() => useDatabase({ template: 'nobody makes it' })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS' }),
  )
})

const outside = useDatabase()
const early = attempt(() => outside.url)

function useDatabaseOutside(): void {
  if (early instanceof Error) throw early
}

function attempt(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
