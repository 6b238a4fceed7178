import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { CountingPool } from './support/counting-pool.js'
import { customPlan, planOf, settledPlans, statementOf } from './support/plan-of.js'
import { newCountedStore, type TestStore } from './support/test-store.js'

const database = useDatabase()
const EVENTS = 200_000

let schema: string
let pool: CountingPool
let store: TestStore

/** 2,000 streams of 50 events in turns, and one stream of the 100,000 that are left, among them. */
beforeAll(async () => {
  ;({ store, schema, pool } = await newCountedStore(database.pool))
  await database.query(
    `insert into "${schema}".streams (stream_id, category, version)
      select 's-' || n, 'counter', case n when 0 then ${EVENTS / 2} else 50 end from generate_series(0, 2000) n`,
  )
  await database.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select s.stream_no, v.version, s.stream_id, s.category, 'Added', 1, '{"n": 1}', gen_random_uuid()
        from (select n, case when n % 2 = 0 then 0 else (n / 2) % 2000 + 1 end as stream,
            case when n % 2 = 0 then n / 2 + 1 else n / 4000 + 1 end as version
          from generate_series(0, ${EVENTS - 1}) n) v
          join "${schema}".streams s on s.stream_id = 's-' || v.stream
        order by v.n`,
  )
  await database.query(`vacuum analyze "${schema}".streams, "${schema}".events`)
}, 120_000)

test('the seed is what the plans are about', async () => {
  const { rows } = await database.query(`select count(*)::int as events from "${schema}".events`)
  expect(rows).toEqual([{ events: EVENTS }])
})

const byStream = 'events_stream_no_version_key'
const byPosition = 'events_pkey'
const cases = [
  { name: 'a short stream', index: byStream, read: () => store.events.readStream('s-7').toArray() },
  { name: 'a long stream', index: byStream, read: () => store.events.readStream('s-0', { limit: 500 }).toArray() },
  {
    name: 'the end of a long stream',
    index: byStream,
    read: () => store.events.readStream('s-0', { from: 99_900 }).toArray(),
  },
  {
    name: 'a stream backward',
    index: byStream,
    read: () => store.events.readStream('s-0', { direction: 'backward', limit: 10 }).toArray(),
  },
  { name: 'the feed', index: byPosition, read: () => store.events.readAll({ limit: 500 }).toArray() },
  {
    name: 'the middle of the feed',
    index: byPosition,
    read: () => store.events.readAll({ after: 100_000, limit: 500 }).toArray(),
  },
  {
    name: 'the feed backward',
    index: byPosition,
    read: () => store.events.readAll({ direction: 'backward', limit: 10 }).toArray(),
  },
]

describe.each(settledPlans)('$mode', (how) => {
  test.each(cases)('$name is read by $index, without a sort or a filter', async ({ index, read }) => {
    const nodes = await planOf(database.pool, await statementOf(pool, read), how)
    const types = nodes.map((node) => node['Node Type'])
    expect(types.filter((type) => /Sort|Seq Scan|Bitmap|Gather/.test(type))).toEqual([])
    const scans = nodes.filter((node) => node['Relation Name'] === 'events')
    expect(scans).toHaveLength(1)
    expect(scans[0]).toMatchObject({ 'Node Type': 'Index Scan', 'Index Name': index })
    expect(scans[0]?.Filter).toBeUndefined()
  })
})

// The planner does not know which stream it is, and sorts what it takes for a hundred rows rather than walk the index.
test.each(cases)('planned for its values, $name is read by $index too', async ({ index, read }) => {
  const nodes = await planOf(database.pool, await statementOf(pool, read), customPlan)
  expect(nodes.filter((node) => /Seq Scan|Gather/.test(node['Node Type']))).toEqual([])
  const indexes = nodes.flatMap((node) => node['Index Name'] ?? [])
  expect(indexes.filter((name) => name.startsWith('events_'))).toEqual([index])
})
