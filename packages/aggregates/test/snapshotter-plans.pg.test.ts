import type { QueryConfigLike } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { newAccountStore, otherAccountStore } from './support/snapshots/account-store.js'
import { planOf, type PlanMode, type PlanNode } from './support/plan-of.js'
import type { TestStore } from './support/test-store.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase()
const STREAMS = 20_000
const categories = ['invoice', 'account', 'order', 'user', 'visit']

let store: TestStore
let pool: WatchedPool

/** Streams of all categories in turns, 4,000 of each; three quarters of the accounts have a snapshot that is recent. */
beforeAll(async () => {
  const { schema } = await newAccountStore(database.pool)
  await database.query(
    `insert into "${schema}".streams (stream_id, category, version)
      select 's-' || md5(n::text), ($1::text[])[n % ${categories.length} + 1], n % 90 + 10
        from generate_series(1, ${STREAMS}) n`,
    [categories],
  )
  await database.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select t.stream_no, t.version - n, t.stream_id, t.category, 'Deposited', 1, '{"amount": 1}', gen_random_uuid()
        from "${schema}".streams t, generate_series(9, 0, -1) n where t.category = 'account'`,
  )
  await database.query(
    `insert into "${schema}".snapshots (aggregate, stream_id, schema_version, version, event_id, state)
      select a.name, e.stream_id, 1, e.version, e.event_id, '{"owner": "ada", "balance": 1, "changes": 1}'
        from "${schema}".streams t join "${schema}".events e using (stream_no),
          (values ('account'), ('ledger')) a (name)
        where t.stream_no % 20 >= 5 and e.version = t.version - t.version % 10`,
  )
  await database.query(`vacuum analyze "${schema}".streams, "${schema}".events, "${schema}".snapshots`)
  pool = new WatchedPool(database.pool)
  store = otherAccountStore(pool, schema)
}, 120_000)

/** The statement that a piece of work sends under this name. */
async function statementOf(name: string, work: () => Promise<unknown>): Promise<QueryConfigLike> {
  pool.take()
  await work()
  const found = pool.take().findLast(({ text }) => text.startsWith(`/* rillflow:${name} `))
  if (found === undefined) throw new Error(`nothing was sent under the name ${name}`)
  return found
}

/** The planner's own choice for the values of one execution, and what a connection settles on. */
const once: PlanMode = { mode: 'force_custom_plan', executions: 0 }
const settled: readonly PlanMode[] = [
  { mode: 'force_generic_plan', executions: 0 },
  { mode: 'auto', executions: 5 },
]

const index = 'streams_category_stream_id_idx'

/** The plans of a claim at its beginning, and in the middle of a run. */
async function plansOfClaim(batch: number, planning: PlanMode): Promise<readonly (readonly PlanNode[])[]> {
  const { snapshots } = store.aggregates
  const { values = [], ...claim } = await statementOf('claim_snapshots', () => snapshots.takeBatch(Account, { batch }))
  const after = (id: string): unknown[] => values.with(4, id)
  const statements = [after(''), after('s-8')].map((given) => ({ ...claim, values: given }))
  return Promise.all(statements.map((statement) => planOf(database.pool, statement, planning)))
}

describe.each([1, 100])('a batch of %i', (batch) => {
  test.each(settled)('is claimed in the order of the index, without a sort: $mode', async (planning) => {
    for (const nodes of await plansOfClaim(batch, planning)) {
      const types = nodes.map((node) => node['Node Type'])
      expect(types.filter((type) => /Sort|Seq Scan|Bitmap|Gather|Materialize/.test(type))).toEqual([])
      const streams = nodes.filter((node) => node['Relation Name'] === 'streams')
      expect(streams).toEqual([expect.objectContaining({ 'Node Type': 'Index Scan', 'Index Name': index })])
      expect(streams[0]?.['Index Cond']).toMatch(/category = .* AND .*stream_id > /)
    }
  })

  // For a large batch the planner takes the streams of the category at once and sorts them, while it knows the values.
  test('planned for its values it reads the streams of its category alone', async () => {
    for (const nodes of await plansOfClaim(batch, once)) {
      expect(nodes.filter((node) => node['Node Type'] === 'Seq Scan' && node['Relation Name'] === 'streams')).toEqual(
        [],
      )
      expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toContain(index)
    }
  })
})

test('the seed has candidates and others, and a batch of them is claimed', async () => {
  const { candidates } = await store.aggregates.snapshots.backlog(Account)
  expect(candidates).toBeGreaterThan(STREAMS / categories.length / 10)
  expect(candidates).toBeLessThan(STREAMS / categories.length / 2)
})
