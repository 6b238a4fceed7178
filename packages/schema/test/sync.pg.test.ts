import { channels, isRillflowError, type OperationContext } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, expect, test } from 'vitest'
import { plan, status, sync } from '../src/index.js'
import { notes, tags } from './support/components.js'
import { testStore } from './support/test-store.js'

const database = useDatabase()
afterEach(async () => {
  await database.query('drop schema if exists app cascade')
})

const settled = { missingIndexes: [], invalidIndexes: [], changedIndexes: [], unknownIndexes: [] }

function appStore(components = [notes, tags]) {
  return testStore({ connection: { pool: database.pool }, schema: 'app', components })
}

test('an empty database: plan tells, sync does, status agrees, and then nothing is left', async () => {
  const store = appStore()
  const before = await plan(store)
  expect(before.steps.map((step) => [step.kind, 'name' in step ? step.name : undefined])).toEqual([
    ['createSchema', undefined],
    ['createMigrationTable', undefined],
    ['migration', 'notes'],
    ['migration', 'first note'],
    ['migration', 'tags'],
    ['createIndex', 'notes_body'],
  ])
  expect(before).toMatchObject({ schema: 'app', tenant: undefined, warnings: [] })
  expect(await status(store)).toEqual({
    schema: 'app',
    tenant: undefined,
    upToDate: false,
    otherModules: [],
    modules: [
      {
        module: 'notes',
        applied: [],
        pending: [
          { number: 1, name: 'notes' },
          { number: 2, name: 'first note' },
        ],
        unknown: [],
        ...settled,
        missingIndexes: ['notes_body'],
      },
      { module: 'tags', applied: [], pending: [{ number: 1, name: 'tags' }], unknown: [], ...settled },
    ],
  })
  const { rows: schemas } = await database.query(`select from pg_namespace where nspname = 'app'`)
  expect(schemas, 'plan and status change nothing').toHaveLength(0)

  const started = Date.now()
  const { applied, ...where } = await sync(store)
  expect(where).toEqual({ schema: 'app', tenant: undefined })
  expect(applied.map((step) => step.kind)).toEqual(before.steps.map((step) => step.kind))
  expect(applied.slice(0, -1)).toEqual(before.steps.slice(0, -1))

  const after = await status(store)
  expect(after.upToDate).toBe(true)
  expect(after.modules[0]).toMatchObject({
    applied: [
      { number: 1, name: 'notes', changed: false },
      { number: 2, name: 'first note', changed: false },
    ],
    pending: [],
    missingIndexes: [],
  })
  const appliedAt = after.modules[0]?.applied[0]?.appliedAt.getTime() ?? 0
  expect(Math.abs(appliedAt - started), 'the time is the time, to the hour').toBeLessThan(3_600_000)
  expect(await plan(store)).toMatchObject({ steps: [], sql: '' })
  expect(await sync(store)).toMatchObject({ applied: [] })
  const { rows } = await database.query('select id, body from app.notes')
  expect(rows).toEqual([{ id: 'first', body: ':"schema"' }])
})

test('with nothing to do, sync takes no lock', async () => {
  const store = appStore()
  const { sql } = await plan(store)
  await sync(store)
  const lock = /select pg_advisory_xact_lock\(.*\);/.exec(sql)?.[0] ?? ''
  const holder = await database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query(lock)
    expect(await sync(store, { waitTimeout: 50 })).toMatchObject({ applied: [] })
    await expect(sync(appStore([notes, tags, { ...tags, module: 'more' }]), { waitTimeout: 50 })).rejects.toMatchObject(
      { code: 'LockTimeout', retryable: true },
    )
  } finally {
    await holder.query('rollback')
    holder.release()
  }
})

test('the script of the plan leaves what a sync leaves', async () => {
  const store = appStore()
  const { sql } = await plan(store)
  await database.query(sql)
  expect(await status(store)).toMatchObject({ upToDate: true })
  expect(await sync(store)).toMatchObject({ applied: [] })
})

test('what is added later is what runs later, and modules of other programs are left alone', async () => {
  await sync(appStore([tags]))
  const store = appStore([notes])
  expect(await status(store)).toMatchObject({ upToDate: false, otherModules: ['tags'] })
  const { applied } = await sync(store)
  expect(applied.map((step) => step.kind)).toEqual(['migration', 'migration', 'createIndex'])
  expect(await status(store)).toMatchObject({ upToDate: true, otherModules: ['tags'] })
  expect(await status(appStore([tags]))).toMatchObject({ upToDate: true, otherModules: ['notes'] })
})

test('a declared index is made as it is declared', async () => {
  await sync(appStore())
  const { rows } = await database.query(`select indexdef from pg_indexes where indexname = 'notes_body'`)
  expect(rows).toEqual([
    { indexdef: `CREATE UNIQUE INDEX notes_body ON app.notes USING btree (body) WHERE (body <> ''::text)` },
  ])
})

test('what sync does is told to the channel and to the logger', async () => {
  const heard: OperationContext[] = []
  const lines: string[] = []
  const write = (_: object, message: string): void => void lines.push(message)
  const logger = { debug: write, info: write, warn: write, error: write }
  const listener = { start: () => undefined, end: () => undefined, asyncStart: () => undefined, error: () => undefined }
  const listening = { ...listener, asyncEnd: (context: OperationContext) => void heard.push({ ...context }) }
  channels.migrate.subscribe(listening)
  try {
    const components = [tags, { module: 'empty', migrations: [] }]
    const store = testStore({ connection: { pool: database.pool }, schema: 'app', components, logger })
    await sync(store)
    await sync(store)
  } finally {
    channels.migrate.unsubscribe(listening)
  }
  expect(heard).toMatchObject([
    { operation: 'migrate', schema: 'app', count: 3 },
    { operation: 'migrate', schema: 'app', count: 0 },
  ])
  expect(lines).toEqual([
    'The module "empty" brings no migrations.',
    'Creating the schema: applied',
    'Creating the migrations table: applied',
    'Migration 1 ("tags") of "tags": applied',
    'The module "empty" brings no migrations.',
  ])
})

test('createSchema: false makes everything but the schema', async () => {
  const store = appStore([tags])
  const refused = await sync(store, { createSchema: false }).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'SchemaMissing', message: expect.stringContaining('"app"') as string })
  expect((await status(store)).upToDate).toBe(false)
  await database.query('create schema app')
  await sync(store, { createSchema: false })
  expect((await status(store)).upToDate).toBe(true)
})

test('a table called migrations that is not ours is told apart', async () => {
  await database.query('create schema app; create table app.migrations (id serial, name text)')
  for (const call of [plan, sync, status]) {
    const refused = await call(appStore()).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'InvalidConfig', message: expect.stringContaining('"migrations"') as string })
  }
})

test.each([-1, 1.5, Number.NaN, 2 ** 31])('a lockTimeout of %d is refused', async (lockTimeout) => {
  await expect(sync(appStore(), { lockTimeout })).rejects.toMatchObject({
    code: 'InvalidArgument',
    argument: 'lockTimeout',
  })
})

test('a store of one tenant takes no tenant', async () => {
  const refused = await sync(appStore(), { tenant: 'acme' }).catch((error: unknown) => error)
  expect(isRillflowError(refused, 'InvalidArgument')).toBe(true)
})
