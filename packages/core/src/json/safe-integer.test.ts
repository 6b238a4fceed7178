import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/support/thrown-by.js'
import { safeInteger } from './safe-integer.js'

describe('safeInteger', () => {
  test.each([
    ['0', 0],
    ['-1', -1],
    ['2147483648', 2 ** 31],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    [42, 42],
  ])('reads %s', (text, value) => expect(safeInteger(text, 'position')).toBe(value))

  test.each(['9007199254740992', '9007199254740993', '9223372036854775807', '-9007199254740992', 2 ** 53])(
    'refuses %s, which a number cannot tell from its neighbour',
    (text) => {
      const error = thrownBy(() => safeInteger(text, 'position'))
      expect(error).toMatchObject({ code: 'PositionOverflow', message: expect.stringMatching(/^position is beyond/) })
    },
  )
})
