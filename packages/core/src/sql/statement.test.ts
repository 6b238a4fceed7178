import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/support/thrown-by.js'
import { defineStatement } from './statement.js'

describe('defineStatement', () => {
  test('names the operation in the text, for logs and pg_stat_statements', () => {
    const head = defineStatement('head', (schema) => `select ${schema}.safe_head()::text as head`)

    expect(head('app', ['x'])).toEqual({
      operation: 'head',
      name: expect.stringMatching(/^rf_head_[0-9a-f]{16}$/),
      text: '/* rillflow:head */ select "app".safe_head()::text as head',
      values: ['x'],
    })
  })

  test('gives one name to one text and another name to any other text', () => {
    const one = defineStatement('head', (schema) => `select 1 from ${schema}.streams`)
    const same = defineStatement('head', (schema) => `select 1 from ${schema}.streams`)
    const other = defineStatement('head', (schema) => `select 2 from ${schema}.streams`)

    expect(one('a', []).name).toBe(same('a', []).name)
    expect(one('a', []).name).not.toBe(one('b', []).name)
    expect(one('a', []).name).not.toBe(other('a', []).name)
  })

  test('keeps a name within the 63 bytes that PostgreSQL would cut it to', () => {
    const long = defineStatement('x'.repeat(200), (schema) => `select ${schema}.f()`)

    expect(Buffer.byteLength(long('a', []).name ?? '')).toBeLessThanOrEqual(63)
  })

  test('builds the text once for each schema', () => {
    let built = 0
    const counted = defineStatement('counted', (schema) => `select ${(built += 1)} from ${schema}.t`)

    for (const schema of ['a', 'b', 'a', 'b']) counted(schema, [])

    expect(built).toBe(2)
  })

  test('sends the statements of more than 200 schemas unprepared, and keeps the first ones prepared', () => {
    const many = defineStatement('many', (schema) => `select 1 from ${schema}.t`)
    const names = new Set(Array.from({ length: 500 }, (_, index) => many(`tenant-${index}`, []).name))

    expect(names.size).toBe(201)
    expect(many('tenant-499', [])).toEqual({
      operation: 'many',
      text: '/* rillflow:many */ select 1 from "tenant-499".t',
      values: [],
    })
    expect(many('tenant-0', []).name).toBeTypeOf('string')
  })

  test('refuses a schema that cannot be an identifier', () => {
    const head = defineStatement('head', (schema) => `select 1 from ${schema}.t`)

    expect(thrownBy(() => head('', []))).toMatchObject({ code: 'InvalidIdentifier' })
  })
})
