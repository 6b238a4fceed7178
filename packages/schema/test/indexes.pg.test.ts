import type { SchemaComponent } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, expect, test } from 'vitest'
import { plan, status, sync, verify } from '../src/index.js'
import { indexesOf, invalidIndexes } from './support/catalog.js'
import { testStore } from './support/test-store.js'

const database = useDatabase()
const byBody = { name: 'items_by_body', definition: 'on :"schema".items (body, id)', unique: false }
const items: SchemaComponent = {
  module: 'items',
  migrations: [
    { number: 1, name: 'items', sql: 'create table :"schema".items (id int primary key, body text not null)' },
  ],
}
const indexed: SchemaComponent = { ...items, indexes: [byBody] }

function appStore(...components: SchemaComponent[]) {
  return testStore({ connection: { pool: database.pool }, schema: 'app', components })
}

/** Kind, index and whether outside a transaction, of each step. */
function shape(steps: readonly object[]): readonly unknown[] {
  return steps.map((step) => {
    const { kind, index, concurrently } = step as { kind: string; index?: string; concurrently?: boolean }
    return [kind, index, concurrently]
  })
}

async function fill(): Promise<void> {
  await database.query(`insert into app.items select n, 'body ' || n from generate_series(1, 100) n`)
}

beforeEach(async () => {
  await database.query('drop schema if exists app cascade')
})

test('on an empty table an index is part of a transaction, on one with rows it is built concurrently', async () => {
  await sync(appStore(items))
  expect(shape((await plan(appStore(indexed))).steps)).toEqual([['createIndex', 'items_by_body', false]])
  await fill()
  const store = appStore(indexed)
  const { steps, sql } = await plan(store)
  expect(shape(steps)).toEqual([['createIndex', 'items_by_body', true]])
  expect(sql).toMatch(
    /outside a transaction[^]*\ncreate index concurrently "items_by_body" on "app"\.items \(body, id\);\n/,
  )
  expect(sql).not.toMatch(/^begin|^commit/m)
  expect((await sync(store)).applied).toEqual(steps)
  expect(await indexesOf(database, 'items')).toMatchObject([
    { name: 'items_by_body', valid: true, comment: expect.stringMatching(/^rillflow:[0-9a-f]{16}$/) as string },
    { name: 'items_pkey' },
  ])
  expect(await status(store)).toMatchObject({ upToDate: true })
  const { rows } = await database.query('select * from app.index_builds')
  expect(rows, 'no claim is left').toEqual([])
})

test('the script of the plan is split around what runs outside a transaction', async () => {
  await sync(appStore(items))
  await fill()
  const later: SchemaComponent = {
    module: 'later',
    migrations: [{ number: 1, name: 'later', sql: 'create table :"schema".later (id int)' }],
    indexes: [{ name: 'later_id', definition: 'on :"schema".later (id)', unique: false }],
  }
  const store = appStore(indexed, later)
  const { sql } = await plan(store)
  expect(sql.match(/^(begin|commit|create (table|index)( concurrently)?)/gm)).toEqual([
    'begin',
    'create table',
    'commit',
    'create index concurrently',
    'begin',
    'create index',
    'commit',
  ])
  // As psql does it: statement by statement, on one connection.
  const client = await database.pool.connect()
  try {
    for (const statement of sql.split(/;\n/)) await client.query(statement)
  } finally {
    client.release()
  }
  expect(await status(store)).toMatchObject({ upToDate: true })
  expect(await verify(store)).toMatchObject({ upToDate: true, differences: [] })
  expect((await sync(store)).applied).toEqual([])
})

test('an index of another definition is replaced, and there is one at every moment', async () => {
  await sync(appStore(indexed))
  await fill()
  await database.query('drop index app.items_by_body; create index items_by_body on app.items (id)')
  const [before] = await indexesOf(database, 'items')
  const store = appStore(indexed)
  expect(await status(store)).toMatchObject({ upToDate: false, modules: [{ changedIndexes: ['items_by_body'] }] })
  expect(await verify(store)).toMatchObject({
    upToDate: false,
    differences: [
      {
        kind: 'index',
        name: 'items.items_by_body',
        expected: 'CREATE INDEX items_by_body ON items USING btree (body, id)',
        actual: 'CREATE INDEX items_by_body ON items USING btree (id)',
      },
    ],
  })
  const { steps } = await plan(store)
  const spare = steps[0]?.kind === 'createIndex' ? steps[0].index : ''
  expect(shape(steps)).toEqual([
    ['createIndex', spare, true],
    ['swapIndex', undefined, undefined],
    ['dropIndex', spare, true],
  ])
  expect((await sync(store)).applied).toEqual(steps)
  const after = await indexesOf(database, 'items')
  expect(after).toMatchObject([
    { name: 'items_by_body', definition: 'CREATE INDEX items_by_body ON app.items USING btree (body, id)' },
    { name: 'items_pkey' },
  ])
  expect(after[0]?.oid).not.toBe(before?.oid)
  expect(await verify(store)).toMatchObject({ upToDate: true })
})

test.each(['built', 'half built', 'swapped'])('a replacement that stopped when it was %s goes on', async (stopped) => {
  await sync(appStore(indexed))
  await fill()
  await database.query('drop index app.items_by_body; create index items_by_body on app.items (id)')
  const store = appStore(indexed)
  const [create, swap] = (await plan(store)).steps
  if (create?.kind !== 'createIndex' || swap?.kind !== 'swapIndex') throw new Error('a replacement was expected')
  await database.query(create.sql)
  if (stopped !== 'half built') await database.query(create.mark)
  if (stopped === 'swapped') await database.query(swap.sql)
  await sync(store)
  expect((await indexesOf(database, 'items')).map((index) => index.name)).toEqual(['items_by_body', 'items_pkey'])
  expect(await verify(store)).toMatchObject({ upToDate: true, differences: [] })
})

test('a replacement that the rows refuse leaves the index that is there', async () => {
  await sync(appStore(indexed))
  await fill()
  await database.query(`update app.items set body = 'same'`)
  const unique = { ...byBody, definition: 'on :"schema".items (body)', unique: true }
  await expect(sync(appStore({ ...items, indexes: [unique] }))).rejects.toMatchObject({
    code: 'IndexFailed',
    index: 'items_by_body',
  })
  expect(await indexesOf(database, 'items')).toMatchObject([
    { name: 'items_by_body', definition: 'CREATE INDEX items_by_body ON app.items USING btree (body, id)' },
    { name: 'items_pkey' },
  ])
})

test('an index that somebody else made as it is declared is kept, with the comment that it has', async () => {
  await sync(appStore(items))
  await fill()
  await database.query(
    `create index items_by_body on app.items using btree (body, id); comment on index app.items_by_body is 'made by Eve'`,
  )
  const [before] = await indexesOf(database, 'items')
  const store = appStore(indexed)
  const { applied } = await sync(store)
  expect(shape(applied)).toEqual([['markIndex', undefined, undefined]])
  const [after] = await indexesOf(database, 'items')
  expect(after).toMatchObject({ oid: before?.oid, comment: expect.stringMatching(/^made by Eve rillflow:/) as string })
  expect((await sync(store)).applied).toEqual([])
})

test('another spelling of the same definition builds nothing', async () => {
  await sync(appStore(indexed))
  await fill()
  const [before] = await indexesOf(database, 'items')
  const respelled = { ...byBody, definition: 'on :"schema"."items" using btree (body asc, id)' }
  const { applied } = await sync(appStore({ ...items, indexes: [respelled] }))
  expect(shape(applied)).toEqual([['markIndex', undefined, undefined]])
  const [after] = await indexesOf(database, 'items')
  expect(after?.oid).toBe(before?.oid)
  expect(after?.comment).not.toBe(before?.comment)
})

test('an index that is not valid is told by status and verify, dropped and built again', async () => {
  await sync(appStore(items))
  await fill()
  await database.query(`update app.items set body = 'same' where id < 3`)
  await expect(
    database.query('create unique index concurrently items_by_body on app.items (body)'),
  ).rejects.toMatchObject({ code: '23505' })
  expect(await invalidIndexes(database)).toEqual([{ name: 'items_by_body' }])
  const store = appStore(indexed)
  expect(await status(store)).toMatchObject({ upToDate: false, modules: [{ invalidIndexes: ['items_by_body'] }] })
  expect((await verify(store)).differences).toMatchObject([
    { kind: 'index', name: 'items.items_by_body', actual: expect.stringMatching(/\(invalid\)$/) as string },
  ])
  expect(shape((await sync(store)).applied)).toEqual([
    ['dropIndex', 'items_by_body', true],
    ['createIndex', 'items_by_body', true],
  ])
  expect(await verify(store)).toMatchObject({ upToDate: true })
})

test('an index that is declared no more is told, with how to drop it, and kept', async () => {
  await sync(appStore(indexed))
  const store = appStore(items)
  expect((await sync(store)).applied).toEqual([])
  expect(await status(store)).toMatchObject({ upToDate: true })
  const { warnings, steps } = await plan(store)
  expect(steps).toEqual([])
  expect(warnings).toEqual([expect.stringContaining('drop index concurrently "app"."items_by_body";')])
  expect((await verify(store)).differences).toMatchObject([
    { kind: 'index', name: 'items.items_by_body', expected: undefined },
  ])
  expect((await indexesOf(database, 'items')).map((index) => index.name)).toEqual(['items_by_body', 'items_pkey'])
})

test('a definition without its table is refused', () => {
  const wrong = { ...items, indexes: [{ ...byBody, definition: 'on items (body)' }] }
  return expect(plan(appStore(wrong))).rejects.toMatchObject({ code: 'InvalidConfig' })
})
