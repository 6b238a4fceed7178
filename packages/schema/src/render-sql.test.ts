import { expect, test } from 'vitest'
import { renderSql } from './render-sql.js'

const replaced: readonly (readonly [what: string, sql: string, rendered: string])[] = [
  ['an identifier', 'select * from :"schema".notes', 'select * from "app".notes'],
  ['a string', `select :'schema'::text`, `select 'app'::text`],
  ['every place', ':"schema".a :"schema".b', '"app".a "app".b'],
  ['beside brackets and commas', '(:"schema".a,:\'schema\')', `("app".a,'app')`],
  ['after a string', `select 'a',:'schema'`, `select 'a','app'`],
  ['after a doubled quote', `select 'it''s', :"schema".f()`, `select 'it''s', "app".f()`],
  ['after an escape string', `select E'it\\'s', e'\\\\', :"schema".f()`, `select E'it\\'s', e'\\\\', "app".f()`],
  [
    'after an escape string with both ways to a quote',
    `select E'a''b\\'c', :"schema".f()`,
    `select E'a''b\\'c', "app".f()`,
  ],
  ['after a name that ends in e', `select name'\\', :"schema".f()`, `select name'\\', "app".f()`],
  ['after a line comment', `-- don't\nselect :"schema".f()`, `-- don't\nselect "app".f()`],
  ['after a nested block comment', `/* a /* ' */ " */ :"schema".f()`, `/* a /* ' */ " */ "app".f()`],
  ['after an odd identifier', 'select "a""b", :"schema".f()', 'select "a""b", "app".f()'],
  ['after a name with dollars', `select a$b$c, :"schema".f(), d$b$`, `select a$b$c, "app".f(), d$b$`],
  ['after parameters', 'select $1, :"schema".f($2)', 'select $1, "app".f($2)'],
  ['as the schema of a cast', 'select a:::"schema".kind', 'select a::"app".kind'],
  ['in a body', 'as $$ select :"schema".f() $$', 'as $$ select "app".f() $$'],
  ['in a tagged body', 'as $fn$ select :"schema".f() $fn$', 'as $fn$ select "app".f() $fn$'],
  ['in a body in a body', 'do $a$ begin $b$ :"schema" $b$ $a$', 'do $a$ begin $b$ "app" $b$ $a$'],
  ['in a body with an assignment', `$$ begin a := :'schema'; end $$`, `$$ begin a := 'app'; end $$`],
  ['after a body', '$$ it $$ :"schema"', '$$ it $$ "app"'],
  ['after an apostrophe in the comment of a body', '$$ -- don\'t\n :"schema" $$', '$$ -- don\'t\n "app" $$'],
]

test.each(replaced)('the schema is put in: %s', (_, sql, rendered) => {
  expect(renderSql(sql, 'app')).toBe(rendered)
})

const kept: readonly (readonly [what: string, sql: string])[] = [
  ['a string', `select ':"schema"'`],
  ['a string over lines', `select 'a\n:"schema"\n'`],
  ['an escape string', `select E'\\':"schema"'`],
  ['an identifier', `select ":'schema'"`],
  ['a JSON constant', `select '{"a":"schema"}'::jsonb`],
  ['a line comment', '-- :"schema"\n'],
  ['a block comment', '/* /* */ :"schema" */'],
  ['a cast to a type called schema', 'select a::"schema"'],
  ['a string of a body', `$$ execute ':"schema"'; $$`],
  ['a comment of a body', '$$ /* :"schema" */ $$'],
  ['another name', `select :"other", :'other', :schema`],
  ['a string without its end', `select ':"schema"`],
  ['a comment without its end', '/* :"schema"'],
  ['a body without its end', 'do $$ :"schema"'],
  ['a body that is only opened', 'do $$'],
]

test.each(kept)('the text is left as it is: %s', (_, sql) => {
  expect(renderSql(sql, 'app')).toBe(sql)
})

const names: readonly (readonly [name: string, identifier: string, constant: string])[] = [
  ['public', '"public"', "'public'"],
  ['My App', '"My App"', "'My App'"],
  ['odd"name', '"odd""name"', `'odd"name'`],
  ["it's", `"it's"`, `'it''s'`],
  ['back\\slash', '"back\\slash"', ` E'back\\\\slash'`],
  ['größe 数', '"größe 数"', "'größe 数'"],
  ['$&$1$`', '"$&$1$`"', "'$&$1$`'"],
]

test.each(names)('the name %s is quoted', (name, identifier, constant) => {
  expect(renderSql(`:"schema" :'schema'`, name)).toBe(`${identifier} ${constant}`)
})

test('a name that would end its body makes the body take another tag', () => {
  expect(renderSql('$$ :"schema" $$; $$ $$', 'a$$b')).toBe('$body_1$ "a$$b" $body_1$; $$ $$')
  expect(renderSql('$f$ $$ :"schema" $$ $f$', 'a$$b$f$')).toBe('$body_2$ $body_1$ "a$$b$f$" $body_1$ $body_2$')
})

test.each(['', 'a\0b', 'x'.repeat(64), 'ü'.repeat(32), '\ud800'])('a name that cannot be one is refused', (name) => {
  expect(() => renderSql('select 1', name)).toThrow(expect.objectContaining({ code: 'InvalidIdentifier' }))
})

test('a large text is read in one pass', () => {
  const row = `('it''s', E'\\'', "a""b", $$ :"schema" $$), -- don't\n`
  expect(renderSql(row.repeat(20_000), 'app')).toBe(row.replace(':"schema"', '"app"').repeat(20_000))
})
