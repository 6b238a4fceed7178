import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkCollectionName } from '../collections/check-names.js'
import { shadowOf } from './shadow-of.js'

test('no collection can have the name of a shadow, and no two have one shadow', () => {
  const name = fc.string({ minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(name, name, (one, other) => {
      expect(() => checkCollectionName(shadowOf(one))).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
      expect(shadowOf(one) === shadowOf(other)).toBe(one === other)
    }),
  )
})
