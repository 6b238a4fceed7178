import { randomBytes } from 'node:crypto'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plan, status, sync } from '../src/index.js'
import { tags, withMigrations } from './support/components.js'
import { testStore } from './support/test-store.js'

const database = useDatabase()
// Roles belong to the whole server, which other runs may use as well.
const role = `rf_test_${randomBytes(6).toString('hex')}`

beforeAll(async () => {
  await database.query(`create role ${role} login password 'test'`)
})

afterAll(async () => {
  await database.query(`drop owned by ${role} cascade; drop role ${role}`)
})

function roleUrl(): string {
  const url = new URL(database.url)
  url.username = role
  url.password = 'test'
  return url.href
}

test('a role without rights reads the plan, is told what to grant, and goes on with it step by step', async () => {
  const store = testStore({ connection: roleUrl(), schema: 'app', components: [tags] })
  expect((await plan(store)).steps).toHaveLength(3)
  expect(await status(store)).toMatchObject({ upToDate: false })

  const toMake = `create schema "app" authorization "${role}"`
  await expect(sync(store)).rejects.toMatchObject(denied(toMake))

  await database.query('create schema app')
  const toUse = `grant usage, create on schema "app" to "${role}"`
  await expect(sync(store)).rejects.toMatchObject(denied(toUse))

  await database.query(toUse)
  await sync(store, { createSchema: false })
  expect(await status(store)).toMatchObject({ upToDate: true })
})

test('a role that may only read and write rows can find out that nothing is left to do', async () => {
  const schema = 'made by another'
  const owner = testStore({ connection: { pool: database.pool }, schema, components: [tags] })
  await sync(owner)
  const store = testStore({ connection: roleUrl(), schema, components: [tags] })
  const toRead = [
    `grant usage on schema "${schema}" to "${role}"`,
    `grant select on "${schema}".migrations to "${role}"`,
  ]
  for (const call of [plan, sync, status]) await expect(call(store)).rejects.toMatchObject(denied(toRead.join('; ')))

  for (const grant of toRead) await database.query(grant)
  expect(await sync(store)).toMatchObject({ applied: [] })

  const later = withMigrations(tags, tags.migrations[0]?.sql ?? '', 'alter table :"schema".tags add column note text')
  const newer = testStore({ connection: roleUrl(), schema, components: [later] })
  await expect(sync(newer)).rejects.toMatchObject(denied('Migration 2 ("step 2") of "tags"'))
})

function denied(words: string): object {
  return {
    code: 'PermissionDenied',
    message: expect.stringContaining(words) as string,
    cause: { code: '42501' },
  }
}
