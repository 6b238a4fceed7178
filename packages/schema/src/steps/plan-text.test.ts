import { expect, test } from 'vitest'
import type { PlanStep } from './plan-step.js'
import { planText } from './plan-text.js'

function migration(sql: string, name = 'one'): PlanStep {
  return { kind: 'migration', module: "it's", number: 1, name, checksum: 'abc', sql }
}

test('nothing to do is an empty text', () => {
  expect(planText('app', [])).toBe('')
})

test('the script is one transaction that records what it does', () => {
  expect(planText('app', [{ kind: 'createSchema', sql: 'create schema "app";' }, migration('select 1;\n')])).toBe(
    `-- Rillflow: schema "app"
begin;
select pg_advisory_xact_lock(7797852568033385593);

-- Creating the schema
create schema "app";

-- Migration 1 ("one") of "it's"
select 1;
insert into "app".migrations (module, number, name, checksum)
values ('it''s', 1, 'one', 'abc');
commit;
`,
  )
})

test.each(['select 1', 'select 1 -- one;', 'select 1;\n-- the end'])('%j is ended before the next statement', (sql) => {
  expect(planText('app', [migration(sql)])).toContain(`${sql}\n;\ninsert into`)
})

test('names cannot leave their comment', () => {
  const text = planText('a\ndrop table b;', [migration('select 1;', 'x\r\ndrop table c;')])
  expect(text).toContain('\n-- Migration 1 ("x\\r\\ndrop table c;") of "it\'s"\n')
  expect(text).toMatch(/^-- Rillflow: schema "a\\ndrop table b;"\n/)
})
