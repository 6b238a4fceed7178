import { expect, test } from 'vitest'
import { entriesOf } from './database-log.js'

const LOG = [
  '2026-01-01 00:00:00.000 UTC [1] LOG:  database system is ready to accept connections',
  '2026-01-01 00:00:01.000 UTC [2] app 42703 ERROR:  column "x" does not exist at character 8',
  '2026-01-01 00:00:01.000 UTC [2] app 42703 STATEMENT:  select x',
  '\tfrom other_app',
  '2026-01-01 00:00:02.000 UTC [3] other 42601 ERROR:  syntax error at or near "app"',
  '\tapp',
]

test('an entry belongs to the database in its prefix, with the lines that go on with it', () => {
  expect(entriesOf(LOG, 'app')).toEqual(LOG.slice(1, 4))
  expect(entriesOf(LOG, 'other')).toEqual(LOG.slice(4))
  expect(entriesOf(LOG, 'none')).toEqual([])
})
