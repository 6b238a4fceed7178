import { typed } from '@rillflow/core'
import { defineEvents } from '@rillflow/events'
import { defineProjection, toTable, type Projection } from '@rillflow/projections'
import { useDatabase } from '@rillflow/testing/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { newStore } from './support/store-of.js'
import { newApplier, storedEvents } from './support/probe.js'
import { added, tallies, Tallies } from './support/tally.js'

const database = useDatabase({ max: 8 })
const Anything = defineEvents('any', { Set: typed<{ value: unknown }>(), Added: typed<{ n: number }>() })
const set = (value: unknown) => ({ type: 'Set', data: { value } })

interface Data {
  readonly value?: unknown
}
type Value = (data: Data, row: Data | undefined) => object

/** A projection to a table that a test makes as it likes. */
function into(columns: string, schema: z.ZodObject, value: Value = (data) => data): Projection {
  return defineProjection('values', {
    version: 1,
    from: [Anything],
    to: toTable('it"s rows', { key: 'Key "1"', schema }),
    migrations: [{ number: 1, name: 'rows', sql: `create table :"schema"."it""s rows" (${columns})` }],
    on: {
      Set: (row, { data }, key) => ({ ...row, 'Key "1"': key, ...value(data as Data, row as Data | undefined) }),
    },
  })
}

const row = z.looseObject({ 'Key "1"': z.string() })

test('what is in a row of JSON comes back as it was, under names that need quotes', async () => {
  const { apply, schema } = await newApplier(database.pool, into('"Key ""1""" text primary key, value jsonb', row))
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      await apply(storedEvents([set(value)], `${Math.random()} "{\\'`))
      const { rows } = await database.query<{ value: unknown }>(`select value from ${schema}."it""s rows"`)
      expect(rows.at(-1)?.value).toEqual(JSON.parse(JSON.stringify(value)))
      await database.query(`truncate ${schema}."it""s rows"`)
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['uuid', '018f0000-0000-7000-8000-000000000001'],
  ['bigint', '9007199254740993'],
  ['varchar(3)', 'abc'],
  ['char(3)', 'abc'],
])('a key of type %s finds its row again', async (type, key) => {
  const value: Value = (data, before) => ({
    value: Number(before?.value ?? 0) + Number(data.value),
    'Key "1"': key,
  })
  const shape = z.looseObject({ 'Key "1"': z.coerce.string() })
  const { apply, schema } = await newApplier(
    database.pool,
    into(`"Key ""1""" ${type} primary key, value int`, shape, value),
  )
  await apply(storedEvents([set(1)], key))
  await apply(storedEvents([set(2)], key))
  expect((await database.query(`select value from ${schema}."it""s rows"`)).rows).toEqual([{ value: 3 }])
})

describe('what a row cannot be is told with the projection and its key', () => {
  test.each<readonly [what: string, columns: string, value: unknown, cause: RegExp]>([
    ['a property that is no column', '"Key ""1""" text primary key', 1, /"value" is no column of it"s rows/],
    ['a value of another type', '"Key ""1""" text primary key, value int', 'many', /refused by the database/],
    [
      'a value that a constraint refuses',
      '"Key ""1""" text primary key, value int check (value < 5)',
      5,
      /refused by the/,
    ],
    ['a null where none may be', '"Key ""1""" text primary key, value int, more int not null', 5, /refused by the/],
    ['a table without a unique key', '"Key ""1""" text, value int', 5, /refused by the database \(SQLSTATE 42P10\)/],
  ])('%s', async (_, columns, value, cause) => {
    const { apply } = await newApplier(database.pool, into(columns, row))
    const applied = apply(storedEvents([set(value)]))
    await expect(applied).rejects.toMatchObject({ code: 'ProjectionFailed', projection: 'values', streamId: 's' })
    await expect(applied).rejects.toMatchObject({ cause: { message: expect.stringMatching(cause) as string } })
  })

  test('a row that does not fit its schema, or has another key', async () => {
    const strict = z.strictObject({ 'Key "1"': z.string(), value: z.number().nullable() })
    const columns = '"Key ""1""" text primary key, value int'
    const { apply } = await newApplier(database.pool, into(columns, strict))
    await expect(apply(storedEvents([set('many')]))).rejects.toMatchObject({
      key: 's',
      cause: { code: 'ValidationFailed' },
    })
    const other = await newApplier(
      database.pool,
      into(columns, row, () => ({ 'Key "1"': 'other' })),
    )
    await expect(other.apply(storedEvents([set(1)]))).rejects.toMatchObject({ cause: { argument: 'Key "1"' } })
  })

  test('no table at all', async () => {
    const { apply, schema } = await newApplier(database.pool, into('"Key ""1""" text primary key', row))
    await database.query(`drop table ${schema}."it""s rows"`)
    const applied = apply(storedEvents([set(1)]))
    await expect(applied).rejects.toMatchObject({ code: 'SchemaMissing' })
    await expect(applied).rejects.toThrow(/The projection values needs the table it"s rows/)
  })
})

test('a document has the id of its key, and fits its schema', async () => {
  const other = defineProjection('other', {
    version: 1,
    from: [Anything],
    to: Tallies,
    on: { Added: () => ({ id: 'other', sum: 1 }) },
  })
  const wrong = await newApplier(database.pool, other)
  await expect(wrong.apply(storedEvents([added(1)]))).rejects.toMatchObject({ key: 's', cause: { argument: 'id' } })
  const { apply } = await newApplier(database.pool, tallies('async'))
  await expect(apply(storedEvents([{ type: 'Added', data: { n: 'many' } }]))).rejects.toMatchObject({
    projection: 'tallies',
    key: 's',
    cause: { code: 'ValidationFailed' },
  })
  await expect(apply(storedEvents([{ type: 'Added', data: { n: Number.NaN } }]))).rejects.toMatchObject({
    cause: { code: 'ValidationFailed' },
  })
})

test('a document that somebody deleted softly is made anew', async () => {
  const { store } = await newStore(database.pool, [tallies('inline')])
  await store.events.append('s', [added(1)])
  await store.docs.tallies.delete('s')
  await store.events.append('s', [added(2)])
  expect(await store.docs.tallies.getStored('s')).toMatchObject({ doc: { sum: 2 }, version: 3, deletedAt: undefined })
})

test('two schemas of one database share nothing, locks included', async () => {
  const [one, other] = await Promise.all([
    newStore(database.pool, [tallies('inline')]),
    newStore(database.pool, [tallies('inline')]),
  ])
  const client = await database.pool.connect()
  await client.query('begin')
  try {
    await one.store.transaction({ client }, (tx) => tx.events.append('s', [added(1)]))
    await other.store.events.append('s', [added(2)])
  } finally {
    await client.query('commit')
    client.release()
  }
  expect(await one.store.docs.tallies.get('s')).toMatchObject({ sum: 1 })
  expect(await other.store.docs.tallies.get('s')).toMatchObject({ sum: 2 })
})
