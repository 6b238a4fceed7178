import { typed } from '@rillflow/core'
import { expect, test } from 'vitest'
import { defineCollection } from './collections/define-collection.js'
import { documents } from './documents.js'

test('one collection under two keys is refused', () => {
  const Note = defineCollection('notes', { schema: typed<{ id: string }>() })
  expect(() => documents({ a: Note, b: Note })).toThrow(expect.objectContaining({ code: 'InvalidConfig' }))
})
