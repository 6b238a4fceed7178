import { ident } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { plan, status, sync, verify } from '../src/index.js'
import { notes, shop, tags } from './support/components.js'
import { testStore } from './support/test-store.js'

const database = useDatabase()

const names: readonly string[] = [
  'public',
  'Upper Case',
  'odd"name',
  `it's; drop schema public cascade --`,
  'back\\slash',
  'a$$b',
  ':"schema"',
  'line\nend',
  'größe 数 🌊',
  'x'.repeat(63),
  'ü'.repeat(31) + 'x',
]

test.each(names)('the schema %j', async (schema) => {
  const store = testStore({ connection: { pool: database.pool }, schema, components: [notes, shop, tags] })
  const { sql } = await plan(store)
  await database.query(sql)
  expect(await status(store)).toMatchObject({ schema, upToDate: true })
  await database.query(`drop schema ${ident(schema)} cascade`)
  expect((await status(store)).upToDate).toBe(false)
  expect((await sync(store)).applied).toHaveLength(7)
  expect(await sync(store)).toMatchObject({ applied: [] })
  expect(await status(store)).toMatchObject({ schema, upToDate: true })
  expect((await verify(store)).differences).toEqual([])
  const { rows } = await database.query(`select ${ident(schema)}.add_note('a', 'b') as name`)
  expect(rows).toEqual([{ name: schema }])
})

test('a name of 64 bytes is refused', () => {
  const make = () => testStore({ connection: { pool: database.pool }, schema: 'x'.repeat(64), components: [] })
  expect(make).toThrow(expect.objectContaining({ code: 'InvalidIdentifier' }))
})

test('schemas of one database do not disturb each other', async () => {
  const stores = ['one', 'One', 'two'].map((schema) =>
    testStore({ connection: { pool: database.pool }, schema, components: [notes] }),
  )
  await Promise.all(stores.map((store) => sync(store)))
  const reports = await Promise.all(stores.map((store) => status(store)))
  expect(reports.map((report) => report.upToDate)).toEqual([true, true, true])
})
