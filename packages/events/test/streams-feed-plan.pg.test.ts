import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { CountingPool } from './support/counting-pool.js'
import { newCountedStore, type TestStore } from './support/test-store.js'
import { customPlan, planOf, settledPlans, statementOf } from './support/plan-of.js'

const database = useDatabase()

let pool: CountingPool
let store: TestStore

/** 2,000 streams of 50 events in turns, every third of them archived. */
beforeAll(async () => {
  const { schema, ...counted } = await newCountedStore(database.pool)
  ;({ store, pool } = counted)
  await database.query(
    `insert into "${schema}".streams (stream_id, category, version, archived_at)
      select 's-' || n, 'counter', 50, case when n % 3 = 0 then now() end from generate_series(0, 1999) n`,
  )
  await database.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select s.stream_no, n / 2000 + 1, s.stream_id, s.category, 'Added', 1, '{"n": 1}', gen_random_uuid()
        from generate_series(0, 99999) n join "${schema}".streams s on s.stream_id = 's-' || n % 2000
        order by n`,
  )
  await database.query(`vacuum analyze "${schema}".streams, "${schema}".events`)
}, 60_000)

const cases: readonly Parameters<TestStore['events']['readAll']>[0][] = [
  { archived: 'exclude' },
  { archived: 'exclude', tombstoned: 'exclude', after: 50_000 },
  { archived: 'exclude', direction: 'backward' },
]

describe.each([customPlan, ...settledPlans])('$mode', (how) => {
  test.each(cases)('the feed without closed streams walks the positions (%j)', async (options) => {
    const read = () => store.events.readAll({ ...options, limit: 500 }).toArray()
    const nodes = await planOf(database.pool, await statementOf(pool, read), how)
    expect(nodes.map((node) => node['Index Name'] ?? node['Node Type'])).toEqual([
      'Limit',
      'events_pkey',
      'streams_pkey',
    ])
  })
})

test('what is left out is what is archived, and a page is full all the same', async () => {
  const page = await store.events.readAll({ archived: 'exclude', limit: 500 }).toArray()
  expect(page).toHaveLength(500)
  expect(page.filter((event) => Number(event.streamId.slice(2)) % 3 === 0)).toEqual([])
})
