import { describe, expect, test } from 'vitest'
import { useNotes } from './support/use-notes.js'

const on = useNotes()

const hostile = [
  "'; drop table rillflow.notes; --",
  '$1',
  '${body}',
  'back\\slash',
  "it''s",
  '"quoted"',
  'new\nline',
  '🦆',
  '%s %I',
  '',
]

describe('tx.sql', () => {
  test.each(hostile)('binds %j and gives it back as it is', async (value) => {
    const rows = await on.store().transaction(async (tx) => {
      await tx.sql`insert into rillflow.notes values (${'a'}, ${value})`
      return tx.sql`select body, ${value}::text as again from rillflow.notes where body = ${value}`
    })

    expect(rows).toEqual([{ body: value, again: value }])
  })

  test('gives rows as objects, with the values as the driver parses them', async () => {
    const rows = await on.store().transaction((tx) => tx.sql`select 1 as int, true as yes, '{"a":1}'::jsonb as doc`)

    expect(rows).toEqual([{ int: 1, yes: true, doc: { a: 1 } }])
  })

  test('numbers the values in their order', async () => {
    const rows = await on
      .store()
      .transaction((tx) => tx.sql`select ${'x'}::text as x, ${2}::int as y, ${null}::text as z`)

    expect(rows).toEqual([{ x: 'x', y: 2, z: null }])
  })

  test('gives the rows of the last statement, where a text holds several', async () => {
    const rows = await on
      .store()
      .transaction((tx) => tx.sql`insert into rillflow.notes values ('a', 'b'); select 1 as one`)

    expect(rows).toEqual([{ one: 1 }])
    expect(await on.ids()).toEqual(['a'])
  })

  test('gives no rows for a statement that returns none', async () => {
    const rows = await on.store().transaction((tx) => tx.sql`delete from rillflow.notes`)

    expect(rows).toEqual([])
  })
})
