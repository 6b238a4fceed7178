import { readFile } from 'node:fs/promises'
import { createStore } from '@rillflow/core'
import { events } from '@rillflow/events'
import { projections } from '@rillflow/projections'
import { sync, verify } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { afterEach, expect, test, vi } from 'vitest'
import { Audit } from './readme/audit.js'
import { Spendings } from './readme/spendings.js'

const database = useDatabase()

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test.each(['order-summary', 'spendings', 'audit'])('the example %s stands in the README', async (name) => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const source = await readFile(new URL(`./readme/${name}.ts`, import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\``)
})

test('the smallest example prints what it says', async () => {
  vi.stubEnv('DATABASE_URL', database.url)
  const log = vi.spyOn(console, 'log').mockReturnValue()
  await import('./readme/order-summary.js')
  expect(log.mock.calls).toEqual([[{ id: 'order-1', total: 14, items: 1 }]])
})

test('the tables of the others are made by their migrations', async () => {
  const store = createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    modules: { events: events({}, { wakeUps: false }), projections: projections([Spendings, Audit]) },
  })
  await sync(store)
  expect((await verify(store)).differences).toEqual([])
  await database.query('select * from rillflow.spendings, rillflow.audit_lines')
})
