import { typed } from '@rillflow/core'
import { expect, test } from 'vitest'
import { defineEvents, type EventSchemas } from './define-events.js'

const invalid = expect.objectContaining({ code: 'InvalidConfig' }) as Error
const schema = typed<{ n: number }>()

test('a family keeps its category and its schemas', () => {
  const family = defineEvents('order', { Placed: schema })
  expect(family).toEqual({ category: 'order', schemas: { Placed: schema } })
})

test.each(['', 'a\0', '\uD800', 'x'.repeat(1_001), undefined])('the category %j is refused', (category) => {
  expect(() => defineEvents(category as string, { Placed: schema })).toThrow(invalid)
})

test.each(['', 'a\0', '\uD800', 'x'.repeat(1_001)])('the type %j is refused', (type) => {
  expect(() => defineEvents('order', { [type]: schema })).toThrow(invalid)
})

test.each([undefined, null, {}, { '~standard': {} }, 'string', () => true])('%o is no schema', (given) => {
  expect(() => defineEvents('order', { Placed: given } as unknown as EventSchemas)).toThrow(invalid)
})
