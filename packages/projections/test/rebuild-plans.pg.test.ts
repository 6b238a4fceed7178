import type { QueryConfigLike } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, expect, test, vi } from 'vitest'
import { planOf } from './support/plan-of.js'
import { deposits, kinds } from './support/workers/accounts.js'
import { openStore } from './support/workers/open-store.js'
import { operationOf, SteppedPool } from './support/workers/stepped-pool.js'

const database = useDatabase({ max: 8 })
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** What a batch and a rebuild send, by their names; the documents and rows of 100,000 accounts of others are there. */
const sent = new Map<string, QueryConfigLike>()

beforeAll(async () => {
  const pool = new SteppedPool(database.pool)
  const list = [kinds.collection.define(), kinds.table.define({ name: 'rows' })]
  const { store, schema } = await openStore(pool, list)
  await store.events.append('a', deposits(3))
  await database.query(`
    insert into ${schema}.docs (collection, id, doc, version, created_at, updated_at)
      select case when n % 100 = 0 then 'accounts' else 'others-' || n % 20 end, 'n-' || n, jsonb_build_object('id', 'n-' || n), 1, now(), now()
      from generate_series(1, 100000) n;
    insert into ${schema}.rows select 'n-' || n, 1, 1, 1, null from generate_series(1, 100000) n`)
  await database.query(`analyze ${schema}.docs, ${schema}.rows`)
  await store.projections.runUntilIdle()
  await store.events.append('a', deposits(1))
  for (const name of ['accounts', 'rows']) await store.projections.rebuild(name, { batchSize: 1 })
  for (const statement of pool.take()) {
    const operation = operationOf(statement)
    if (!sent.has(operation)) sent.set(operation, statement)
  }
  await store.close()
})

test.each([
  ['get many', 'docs_pkey'],
  ['load_rows', 'rows_pkey'],
  ['advance_checkpoint', 'consumers_pkey'],
  ['lock_rebuild', 'consumers_pkey'],
  ['finish_rebuild', 'consumers_key'],
])('%s uses %s, whatever its values', async (operation, index) => {
  const nodes = await planOf(database.pool, sent.get(operation) as QueryConfigLike)
  const scans = nodes.filter((node) => node['Relation Name'] !== undefined && node['Node Type'] !== 'ModifyTable')
  expect(scans.map((node) => node['Node Type'])).not.toContain('Seq Scan')
  expect(nodes.map((node) => node['Index Name'])).toContain(index)
})

test.each(['clear_shadow', 'swap_shadow'])('%s reads no documents of other collections', async (operation) => {
  const { text, values = [] } = sent.get(operation) as QueryConfigLike
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, [...values])
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/Seq Scan/)
    expect(plan).toMatch(/Index/)
  } finally {
    await client.query('rollback')
    client.release()
  }
})
