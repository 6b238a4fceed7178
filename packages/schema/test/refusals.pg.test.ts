import { inspect } from 'node:util'
import type { SchemaComponent } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, expect, test } from 'vitest'
import { plan, status, sync } from '../src/index.js'
import { notes, tags, withMigrations } from './support/components.js'
import { testStore } from './support/test-store.js'
import { waitForWaiters } from './support/wait-for-lock.js'

const database = useDatabase()

function appStore(...components: SchemaComponent[]) {
  return testStore({ connection: { pool: database.pool }, schema: 'app', components })
}

async function tables(): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select table_name::text as name from information_schema.tables where table_schema = 'app' order by 1`,
  )
  return rows.map((row) => row.name)
}

async function indexes(): Promise<readonly string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select indexname::text as name from pg_indexes where schemaname = 'app' and tablename = 'notes' order by 1`,
  )
  return rows.map((row) => row.name)
}

beforeEach(async () => {
  await database.query('drop schema if exists app cascade')
  await sync(appStore(notes))
})

/** Each: what the database has, against a store of notes and of tags, which are new. */
const refused: readonly {
  readonly what: string
  readonly components: readonly SchemaComponent[]
  readonly change?: string
  readonly error: object
  readonly status: object
}[] = [
  {
    what: 'another text for an applied migration',
    components: [tags, { ...notes, migrations: withMigrations(notes, 'select 1', 'select 2').migrations }],
    error: { code: 'MigrationChanged', schema: 'app', module: 'notes', number: 1, migration: 'notes' },
    status: { applied: [{ changed: true }, { changed: true }], pending: [], unknown: [] },
  },
  {
    what: 'a migration of a newer release',
    components: [tags, { ...notes, migrations: notes.migrations.slice(0, 1) }],
    error: {
      code: 'SchemaNewer',
      schema: 'app',
      unknown: [{ module: 'notes', number: 2, name: 'first note' }],
      message: expect.stringContaining('Migration 2 ("first note") of "notes"') as string,
    },
    status: { applied: [{ number: 1 }], pending: [], unknown: [{ number: 2, name: 'first note' }] },
  },
  {
    what: 'a hole in what was applied',
    components: [tags, notes],
    change: 'delete from app.migrations where number = 1',
    error: { code: 'MigrationGap', schema: 'app', module: 'notes', number: 1, migration: 'notes' },
    status: { applied: [{ number: 2 }], pending: [{ number: 1, name: 'notes' }], unknown: [] },
  },
]

test.each(refused)('$what: refused before anything is applied', async (given) => {
  if (given.change !== undefined) await database.query(given.change)
  const store = appStore(...given.components)
  await expect(plan(store)).rejects.toMatchObject(given.error)
  await expect(sync(store)).rejects.toMatchObject(given.error)
  expect(await tables()).toEqual(['index_builds', 'migrations', 'notes'])
  const report = await status(store)
  expect(report.upToDate).toBe(false)
  expect(report.modules.find((module) => module.module === 'notes')).toMatchObject(given.status)
})

test('line endings are no change', async () => {
  const windows = notes.migrations.map((migration) => ({ ...migration, sql: migration.sql.replaceAll('\n', '\r\n') }))
  expect(await sync(appStore({ ...notes, migrations: windows }))).toMatchObject({ applied: [] })
})

test('a migration that fails leaves nothing of itself, names itself, and is run again when mended', async () => {
  const good = 'create table :"schema".tags (tag text primary key);'
  const secret = `create table :"schema".half (tag text);\ninsert into :"schema".half values ('s3cret');\n`
  const broken = appStore(withMigrations(tags, good, `${secret}select 's3cret' :: nothing;`))
  const error = await sync(broken).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'MigrationFailed',
    schema: 'app',
    module: 'tags',
    number: 2,
    migration: 'step 2',
    message: expect.stringMatching(/^Migration 2 \("step 2"\) of "tags" failed .*SQLSTATE 42704, line 3/) as string,
    cause: { code: '42704' },
  })
  expect(String(error)).not.toContain('s3cret')
  expect(await tables()).toEqual(['index_builds', 'migrations', 'notes', 'tags'])
  expect((await status(broken)).modules[0]).toMatchObject({ applied: [{ number: 1 }], pending: [{ number: 2 }] })

  const { applied } = await sync(appStore(withMigrations(tags, good, secret)))
  expect(applied).toMatchObject([{ kind: 'migration', number: 2 }])
})

test('a constraint that is checked at the commit fails the migration that broke it', async () => {
  const sql = `create table :"schema".pairs (id int primary key, other int references :"schema".pairs deferrable initially deferred);
    insert into :"schema".pairs values (1, 2)`
  await expect(sync(appStore(withMigrations(tags, sql)))).rejects.toMatchObject({
    code: 'MigrationFailed',
    number: 1,
    cause: { code: '23503' },
  })
  expect(await tables()).toEqual(['index_builds', 'migrations', 'notes'])
})

test('a migration that ends its transaction is found out', async () => {
  const store = appStore(withMigrations(tags, 'create table :"schema".tags (tag text); commit; select 1'))
  await expect(sync(store)).rejects.toMatchObject({
    code: 'MigrationFailed',
    number: 1,
    message: expect.stringContaining('COMMIT') as string,
  })
  expect((await status(store)).modules[0]).toMatchObject({ applied: [] })
})

test('a declared index that the rows break, or whose name a table has, fails by its name and leaves nothing', async () => {
  const index = { name: 'notes_twice', definition: `on :"schema".notes (left(body, 6))`, unique: true }
  await database.query(`insert into app.notes values ('second', 's3cret 2'), ('third', 's3cret 3')`)
  const error = await sync(appStore({ ...notes, indexes: [index] })).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'IndexFailed',
    retryable: false,
    schema: 'app',
    module: 'notes',
    table: 'notes',
    index: 'notes_twice',
    sqlState: '23505',
    message: expect.stringMatching(
      /^Index "notes_twice" of "notes" failed on table "notes" .*SQLSTATE 23505.*delete/,
    ) as string,
    cause: { code: '23505' },
  })
  expect(inspect(error)).not.toMatch(/s3cret|\(t\)/)
  expect(await indexes()).toEqual(['notes_body', 'notes_pkey'])
  await expect(sync(appStore({ ...notes, indexes: [{ ...index, name: 'notes' }] }))).rejects.toMatchObject({
    code: 'IndexFailed',
    index: 'notes',
    sqlState: '42P07',
  })
  await database.query(`delete from app.notes where id = 'third'`)
  const { applied } = await sync(appStore({ ...notes, indexes: [index] }))
  expect(applied).toMatchObject([{ kind: 'createIndex', index: 'notes_twice', concurrently: true }])
})

test('an index on an empty table that is refused fails by its name as well', async () => {
  await database.query('truncate app.notes')
  const index = { name: 'notes_wrong', definition: `on :"schema".notes (nothing)`, unique: false }
  await expect(sync(appStore({ ...notes, indexes: [index] }))).rejects.toMatchObject({
    code: 'IndexFailed',
    index: 'notes_wrong',
    sqlState: '42703',
  })
})

test('lockTimeout bounds the wait for a table, and the error can be tried again', async () => {
  const store = appStore(withMigrations(tags, 'alter table :"schema".notes add column tag text'))
  const holder = await database.pool.connect()
  try {
    await holder.query('begin; lock table app.notes in access share mode')
    await expect(sync(store, { lockTimeout: 20 })).rejects.toMatchObject({
      code: 'LockTimeout',
      retryable: true,
      message: expect.stringContaining('Migration 1 ("step 1") of "tags"') as string,
    })
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  await sync(store, { lockTimeout: 20 })
  expect(await status(store)).toMatchObject({ upToDate: true })
})

test("the role's own lock_timeout bounds the locks on tables, and not the wait for another sync", async () => {
  const url = new URL(database.url)
  url.searchParams.set('options', '-c lock_timeout=1ms')
  const components = [withMigrations(tags, 'alter table :"schema".notes add column tag text')]
  const store = testStore({ connection: url.href, schema: 'app', components })
  const { sql } = await plan(appStore({ ...tags, module: 'other' }))
  const holder = await database.pool.connect()
  try {
    await holder.query(sql.replace(/commit;\s*$/, ''))
    const waiting = sync(store)
    await waitForWaiters(database.pool, 'advisory', 1)
    await holder.query('commit; begin; lock table app.notes in access share mode')
    await expect(waiting).rejects.toMatchObject({ code: 'LockTimeout' })
  } finally {
    await holder.query('rollback')
    holder.release()
  }
  expect((await sync(store)).applied).toHaveLength(1)
})
