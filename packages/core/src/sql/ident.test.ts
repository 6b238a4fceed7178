import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/support/thrown-by.js'
import { ident } from './ident.js'

describe('ident', () => {
  test.each([
    ['rillflow', '"rillflow"'],
    ['Mixed Case', '"Mixed Case"'],
    ['odd"name', '"odd""name"'],
    ['"; drop table t; --', '"""; drop table t; --"'],
    ["it's", '"it\'s"'],
    ['back\\slash', '"back\\slash"'],
    ['$1', '"$1"'],
    ['émile', '"émile"'],
  ])('quotes %s', (name, quoted) => expect(ident(name)).toBe(quoted))

  test.each([
    ['63 ASCII characters', 'a'.repeat(63)],
    ['63 bytes of two-byte characters and one', `${'é'.repeat(31)}a`],
    ['60 bytes of emoji', '🦆'.repeat(15)],
  ])('takes %s', (_, name) => expect(ident(name)).toBe(`"${name}"`))

  test.each([
    ['an empty name', ''],
    ['a NUL', 'a\0b'],
    ['64 ASCII characters', 'a'.repeat(64)],
    ['32 two-byte characters, which are 64 bytes', 'é'.repeat(32)],
    ['16 emoji, which are 64 bytes', '🦆'.repeat(16)],
    ['a lone surrogate, which would become another name on the wire', 'a\uD800'],
    ['no string at all', 7 as unknown as string],
  ])('refuses %s', (_, name) => expect(thrownBy(() => ident(name))).toMatchObject({ code: 'InvalidIdentifier' }))

  test('tells how long a name is, without repeating all of it', () => {
    expect(() => ident('é'.repeat(40))).toThrow('has 80 bytes; PostgreSQL keeps 63')
    expect(() => ident('x'.repeat(100))).not.toThrow('x'.repeat(21))
  })
})
