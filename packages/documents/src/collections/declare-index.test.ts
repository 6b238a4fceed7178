import { typed } from '@rillflow/core'
import { expect, test } from 'vitest'
import { declareIndex } from './declare-index.js'
import { defineCollection } from './define-collection.js'
import { fullText, gin, index } from './index-definition.js'
import { toTextArray } from './parse-field.js'

const long = 'ünïcödé_and_long_'.repeat(7)

test.each([
  ['customers', index('email')],
  [long, index('a'.repeat(1000))],
  ['', index('Ω.😀')],
])('the name of an index on %s fits PostgreSQL and is the same each time', (collection, definition) => {
  const { name } = declareIndex(collection, definition)
  expect(name).toMatch(/^[a-z0-9_]+$/)
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63)
  expect(declareIndex(collection, definition).name).toBe(name)
})

test('whatever differs in the definition differs in the name', () => {
  const names = [
    declareIndex('customers', index('email')),
    declareIndex('customers', index('email', { unique: true })),
    declareIndex('customers', index('email_')),
    declareIndex('Customers', index('email')),
    declareIndex('customers', index('e.mail')),
    declareIndex('customers', index('e_mail')),
    declareIndex(`${long}1`, index('email')),
    declareIndex(`${long}2`, index('email')),
  ].map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('the definition names the collection, the live documents and the field, quoted', () => {
  expect(declareIndex("it's", index('a.b"c\\')).definition).toBe(
    String.raw`on :"schema".docs ((coalesce(doc #> E'{"a","b\\"c\\\\"}'::text[], 'null'::jsonb)), id) where collection = 'it''s' and deleted_at is null`,
  )
})

test('several fields, whole documents and words have their own definitions', () => {
  expect(declareIndex('c', index(['a', 'b'], { unique: true })).definition).toBe(
    `on :"schema".docs ((coalesce(doc #> '{"a"}'::text[], 'null'::jsonb)), (coalesce(doc #> '{"b"}'::text[], 'null'::jsonb))) where collection = 'c' and deleted_at is null and coalesce(doc #> '{"a"}'::text[], 'null'::jsonb) <> 'null'::jsonb and coalesce(doc #> '{"b"}'::text[], 'null'::jsonb) <> 'null'::jsonb`,
  )
  expect(declareIndex('c', gin()).definition).toBe(
    `on :"schema".docs using gin (doc jsonb_path_ops) where collection = 'c' and deleted_at is null`,
  )
  expect(declareIndex('c', fullText('a', { language: 'english' })).definition).toBe(
    `on :"schema".docs using gin ((to_tsvector('pg_catalog.english'::regconfig, doc #> '{"a"}'::text[]))) where collection = 'c' and deleted_at is null`,
  )
})

test('a language that is not in the list is refused', () => {
  expect(() => fullText('a', { language: "english'; drop table docs; --" as never })).toThrow(
    expect.objectContaining({ code: 'InvalidArgument', argument: 'language' }),
  )
})

test.each([[[]], [['a', 'a']], [Array.from({ length: 32 }, (_, at) => `f${at}`)]])(
  'an index over %s is refused',
  (fields) => {
    expect(() => index(fields)).toThrow(expect.objectContaining({ code: 'InvalidArgument', argument: 'fields' }))
  },
)

test('a text array escapes what would end an element', () => {
  expect(toTextArray(['a', 'b"c', 'd\\', '', 'null', 'x,y', '{}'])).toBe(
    String.raw`{"a","b\"c","d\\","","null","x,y","{}"}`,
  )
})

test.each(['', 'a\0', '\ud800', 'x'.repeat(1025)])('a field that cannot be is refused', (field) => {
  expect(() => index(field)).toThrow(expect.objectContaining({ code: 'InvalidArgument', argument: 'field' }))
})

const schema = typed<{ id: string; email: string }>()

test.each(['', 'a\0', '\ud800', 'x'.repeat(129), 'Ω'.repeat(65)])(
  'a collection name that cannot be is refused',
  (name) => {
    expect(() => defineCollection(name, { schema })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument', argument: 'collection' }),
    )
  },
)

test('a collection name of 128 bytes is taken', () => {
  expect(defineCollection('Ω'.repeat(64), { schema }).name).toHaveLength(64)
})

test('a collection without a schema, or with two indexes on one field, is refused', () => {
  const invalid = expect.objectContaining({ code: 'InvalidConfig' })
  expect(() => defineCollection('c', {} as never)).toThrow(invalid)
  expect(() => defineCollection('c', { schema, indexes: [index('email'), index('email', { unique: true })] })).toThrow(
    invalid,
  )
})
