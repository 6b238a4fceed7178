import type { DeclaredIndex, SchemaComponent } from '@rillflow/core'
import { expect, test } from 'vitest'
import { wantedSchema } from './wanted-schema.js'

const one = { number: 1, name: 'one', sql: 'select 1' }
const index: DeclaredIndex = { name: 'by_email', definition: 'on :"schema".a (email)', unique: false }

test('the checksum is of the template, with line endings made one', () => {
  const unix = wantedSchema([{ module: 'a', migrations: [{ ...one, sql: 'select 1\n-- :"schema"\n' }] }])
  const windows = wantedSchema([{ module: 'a', migrations: [{ ...one, sql: 'select 1\r\n-- :"schema"\r\n' }] }])
  expect(unix.modules[0]?.migrations[0]?.checksum).toBe(
    '5c6d92ad1799e00194bb156f4b5a67fbc84e83c71f853b16ab50e495fb9151f6',
  )
  expect(windows.modules[0]?.migrations[0]?.checksum).toBe(unix.modules[0]?.migrations[0]?.checksum)
})

const refused: readonly (readonly [what: string, components: readonly SchemaComponent[], words: RegExp])[] = [
  ['a start at 0', [{ module: 'a', migrations: [{ ...one, number: 0 }] }], /"a".*expected 1 at place 1, actual 0/],
  ['a hole', [{ module: 'a', migrations: [one, { ...one, number: 3 }] }], /expected 2 at place 2, actual 3/],
  ['a number used twice', [{ module: 'a', migrations: [one, one] }], /expected 2 at place 2, actual 1/],
  [
    'a text that was not loaded',
    [{ module: 'a', migrations: [{ ...one, sql: undefined as unknown as string }] }],
    /Migration 1 of "a" has no SQL text/,
  ],
  [
    'two indexes of one name in two modules',
    [
      { module: 'a', migrations: [one], indexes: [index] },
      { module: 'b', migrations: [one], indexes: [{ ...index, unique: true }] },
    ],
    /Two different indexes .* "by_email"/,
  ],
]

test.each(refused)('%s is refused', (_, components, words) => {
  expect(() => wantedSchema(components)).toThrow(
    expect.objectContaining({ code: 'InvalidConfig', message: expect.stringMatching(words) as string }),
  )
})

test('an index name that PostgreSQL would cut is refused', () => {
  const components = [{ module: 'a', migrations: [one], indexes: [{ ...index, name: 'x'.repeat(64) }] }]
  expect(() => wantedSchema(components)).toThrow(expect.objectContaining({ code: 'InvalidIdentifier' }))
})

test('what looks wrong and stops nothing is a warning', () => {
  const twice = wantedSchema([
    { module: 'a', migrations: [one], indexes: [index, index] },
    { module: 'b', migrations: [] },
  ])
  expect(twice.warnings).toEqual([
    'The index "by_email" is declared twice; it is made once.',
    'The module "b" brings no migrations.',
  ])
  expect(twice.modules[0]?.indexes).toMatchObject([{ ...index, table: 'a' }])
  expect(wantedSchema([]).warnings).toEqual(['The store has no module that asks for tables.'])
})
