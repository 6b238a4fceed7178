import { expect, test } from 'vitest'
import { literal } from './literal.js'

test.each([
  ['plain', "'plain'"],
  ['', "''"],
  ["it's", "'it''s'"],
  ["'; drop table t; --", "'''; drop table t; --'"],
  ['back\\slash', " E'back\\\\slash'"],
  ["both \\'", " E'both \\\\'''"],
])('quotes %s', (text, quoted) => expect(literal(text)).toBe(quoted))
