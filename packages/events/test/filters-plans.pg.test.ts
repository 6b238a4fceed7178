import type { QueryConfigLike } from '@rillflow/core'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import type { EventFilter, IndexedColumn } from '../src/index.js'
import { CountingPool } from './support/counting-pool.js'
import { newStore, storeOn, type TestStore } from './support/test-store.js'
import { customPlan, planOf, settledPlans, statementOf, type PlanNode } from './support/plan-of.js'

const database = useDatabase()
const events = 200_000

type Filter = EventFilter<'Added' | 'Removed' | 'Noted'>
type Filters = Filter | readonly Filter[]

const pools = new Map<TestStore, CountingPool>()
let plain: TestStore
let indexed: TestStore

/** 2,000 streams of 100 events in turns; one type and one category are frequent, one is rare, few events are correlated. */
beforeAll(async () => {
  const { schema } = await newStore(database.pool)
  const open = (indexes: readonly IndexedColumn[]): TestStore => {
    const pool = new CountingPool(database.pool)
    const store = storeOn(pool, schema, { indexes })
    pools.set(store, pool)
    return store
  }
  plain = open([])
  await database.query(
    `insert into "${schema}".streams (stream_id, category, version)
      select 's-' || n, case when n % 50 = 0 then 'rare' else 'counter' end, 100 from generate_series(0, 1999) n`,
  )
  await database.query(
    `insert into "${schema}".events
        (stream_no, version, stream_id, category, type, schema_version, data, event_id, correlation_id)
      select s.stream_no, n / 2000 + 1, s.stream_id, s.category,
          case when n % 500 = 0 then 'Noted' when n % 10 = 0 then 'Removed' else 'Added' end, 1, '{"n": 1}',
          gen_random_uuid(), case when n % 20 = 0 then 'c-' || n / 200 end
        from generate_series(0, ${events - 1}) n join "${schema}".streams s on s.stream_id = 's-' || n % 2000
        order by n`,
  )
  indexed = open(['type', 'category', 'correlationId'])
  await sync(indexed)
  await database.query(`vacuum analyze "${schema}".streams, "${schema}".events`)
}, 120_000)

/** The statement that brings the rows of a page. */
async function pageStatement(
  store: TestStore,
  filter: Filters,
  direction: 'forward' | 'backward',
): Promise<QueryConfigLike> {
  return statementOf(pools.get(store) as CountingPool, async () => {
    const found = await store.events.readAll({ filter, direction, after: 10_000, limit: 500 }).toArray()
    expect(found.length, 'there is something to find').toBeGreaterThan(0)
  })
}

const directions = ['forward', 'backward'] as const
const byPosition = 'events_pkey'
const byStream = 'events_stream_no_version_key'
const byType = 'events_type_position_idx'
const byCategory = 'events_category_position_idx'
const byCorrelation = 'events_correlation_id_position_idx'

const scansOf = (nodes: readonly PlanNode[]): readonly PlanNode[] =>
  nodes.filter((node) => node['Relation Name'] === 'events')

const kindsOf = (nodes: readonly PlanNode[], kinds: RegExp): readonly string[] =>
  nodes.map((node) => node['Node Type']).filter((kind) => kinds.test(kind))

describe.each(settledPlans.flatMap((mode) => directions.map((direction) => ({ ...mode, direction }))))(
  'prepared, $mode, $direction',
  ({ mode, executions, direction }) => {
    test.each<readonly [name: string, filter: Filters, store: () => TestStore]>([
      ['types', { types: ['Noted'] }, () => plain],
      ['a prefix', { streamPrefix: 's-7' }, () => plain],
      ['several filters', [{ types: ['Noted'] }, { categories: ['rare'], streamPrefix: 's-1' }], () => plain],
      ['several filters in spite of indexes', [{ types: ['Noted'] }, { streamIds: ['s-7'] }], () => indexed],
    ])('%s: the positions in order, without a sort', async (_, filter, store) => {
      const statement = await pageStatement(store(), filter, direction)
      expect(statement.name).toBeDefined()
      const nodes = await planOf(database.pool, statement, { mode, executions })
      expect(kindsOf(nodes, /Sort|Seq Scan|Bitmap|Gather|Hash/)).toEqual([])
      expect(scansOf(nodes)).toMatchObject([{ 'Node Type': 'Index Scan', 'Index Name': byPosition }])
      expect(scansOf(nodes)[0]?.['Index Cond']).toMatch(/position/)
    })
  },
)

describe.each(directions)('planned for its values, %s', (direction) => {
  const planned = async (filter: Filters): Promise<readonly PlanNode[]> => {
    const statement = await pageStatement(indexed, filter, direction)
    expect(statement.name, 'a prepared one would be planned for any name').toBeUndefined()
    return planOf(database.pool, statement, customPlan)
  }

  test.each<readonly [name: string, filter: Filter, index: string]>([
    ['a rare type', { types: ['Noted'] }, byType],
    ['a rare category', { categories: ['rare'] }, byCategory],
    ['a correlation id', { correlationId: 'c-500' }, byCorrelation],
    ['a correlation id among types', { correlationId: 'c-500', types: ['Added', 'Noted', 'Removed'] }, byCorrelation],
  ])('%s: its index in order, without a sort', async (_, filter, index) => {
    const nodes = await planned(filter)
    expect(kindsOf(nodes, /Sort|Seq Scan|Bitmap|Gather|Hash/)).toEqual([])
    expect(scansOf(nodes)).toMatchObject([{ 'Node Type': 'Index Scan', 'Index Name': index }])
    expect(scansOf(nodes)[0]?.['Index Cond']).toMatch(/position/)
  })

  test.each<readonly [name: string, filter: Filter, index: string]>([
    ['types', { types: ['Noted', 'Added', 'Removed'] }, byType],
    ['categories', { categories: ['rare', 'counter'] }, byCategory],
  ])('%s: a branch for each, those of the rare ones by index, merged without a sort', async (_, filter, index) => {
    const nodes = await planned(filter)
    expect(kindsOf(nodes, /Sort|Seq Scan|Bitmap|Gather|Hash/)).toEqual([])
    expect(kindsOf(nodes, /Merge Append/)).toHaveLength(1)
    const indexes = scansOf(nodes).map((node) => node['Index Name'])
    expect(indexes).toHaveLength(filter.types?.length ?? 2)
    // What nearly every event is, the order of positions brings just as well.
    expect(indexes.filter((name) => name !== index && name !== byPosition)).toEqual([])
    expect(indexes).toContain(index)
  })

  test.each<readonly [name: string, filter: Filter]>([
    ['one stream', { streamIds: ['s-7'] }],
    ['streams', { streamIds: ['s-7', 's-8', 's-9'] }],
    ['types of streams', { streamIds: ['s-7', 's-0'], types: ['Added', 'Removed'] }],
  ])('%s: each stream by its own index, and nothing else of the table', async (_, filter) => {
    const nodes = await planned(filter)
    expect(kindsOf(nodes, /Seq Scan|Gather|BitmapAnd/)).toEqual([])
    expect(scansOf(nodes)).toHaveLength(1)
    const indexes = nodes.flatMap((node) => node['Index Name'] ?? []).filter((name) => name.startsWith('events_'))
    expect(indexes).toEqual([byStream])
  })
})
