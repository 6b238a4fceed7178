import type { QueryConfigLike } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { Account } from './support/account.js'
import { PlainAccount } from './support/accounts.js'
import { planOf, type PlanMode, type PlanNode } from './support/plan-of.js'
import { newWatchedStore } from './support/watched-store.js'

const database = useDatabase()
const STREAMS = 10_000
const LONG = 50_000

let made: Awaited<ReturnType<typeof newWatchedStore>>

/** 10,000 streams of 20 events in turns, and one of 50,000; all of them with a snapshot, the long one's near its end. */
beforeAll(async () => {
  made = await newWatchedStore(database.pool)
  const { schema } = made
  await database.query(
    `insert into "${schema}".streams (stream_id, category, version)
      select 's-' || n, 'account', case n when 0 then ${LONG} else 20 end from generate_series(0, ${STREAMS}) n`,
  )
  await database.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select s.stream_no, v.version, s.stream_id, s.category, 'Deposited', 1, '{"amount": 1}', gen_random_uuid()
        from (select n % ${STREAMS} + 1 as stream, n / ${STREAMS} + 1 as version, n from generate_series(0, ${20 * STREAMS - 1}) n
          union all select 0, n, n * 4 from generate_series(1, ${LONG}) n) v
          join "${schema}".streams s on s.stream_id = 's-' || v.stream
        order by v.n`,
  )
  await database.query(
    `insert into "${schema}".snapshots (aggregate, stream_id, schema_version, version, event_id, state)
      select a.name, s.stream_id, 1, e.version, e.event_id, jsonb_build_object('owner', '', 'balance', s.version - 5, 'changes', s.version - 5)
        from "${schema}".streams s join "${schema}".events e on e.stream_no = s.stream_no and e.version = s.version - 5,
          (values ('account'), ('other')) a (name)`,
  )
  await database.query(`vacuum analyze "${schema}".streams, "${schema}".events, "${schema}".snapshots`)
}, 120_000)

/** The statements that a call sends. */
async function statementsOf(call: () => Promise<unknown>): Promise<readonly QueryConfigLike[]> {
  made.pool.take()
  await call()
  return made.pool.take()
}

const custom: PlanMode = { mode: 'force_custom_plan', executions: 0 }
const generic: PlanMode = { mode: 'force_generic_plan', executions: 0 }
/** As a connection settles: after five executions that are planned for their values. */
const settled: PlanMode = { mode: 'auto', executions: 5 }

const indexOf: Readonly<Record<string, string>> = {
  events: 'events_stream_no_version_key',
  snapshots: 'snapshots_pkey',
  streams: 'streams_pkey',
}

/** Each table is gone to by its key, and what comes is in order already. */
function expectByKeys(nodes: readonly PlanNode[], tables: readonly string[]): void {
  const types = nodes.map((node) => node['Node Type'])
  expect(types.filter((type) => /Sort|Seq Scan|Gather/.test(type))).toEqual([])
  const scans = nodes.filter((node) => node['Index Name'] !== undefined)
  expect(new Set(scans.map((node) => node['Index Name']))).toEqual(new Set(tables.map((table) => indexOf[table])))
  expect(scans).toHaveLength(tables.length)
  for (const scan of scans) expect(scan['Index Cond']).toBeDefined()
  for (const scan of scans.filter((node) => node['Relation Name'] === 'events')) {
    expect(scan['Index Cond']).toMatch(/stream_no = .*version/)
  }
}

test('the seed is what the plans are about', async () => {
  expect(await made.store.aggregates.load(Account, 's-7')).toMatchObject({ version: 20, state: { balance: 20 } })
  expect(await made.store.aggregates.load(PlainAccount, 's-0')).toMatchObject({
    version: LONG,
    state: { balance: LONG },
  })
})

describe.each([generic, settled])('$mode', (how) => {
  test.each(['s-7', 's-0'])('the load of %s goes by keys: snapshot, its last event, stream and tail', async (id) => {
    const [statement, ...more] = await statementsOf(() => made.store.aggregates.load(Account, id))
    expect(more).toEqual([])
    expectByKeys(await planOf(database.pool, statement as QueryConfigLike, how), [
      'events',
      'events',
      'snapshots',
      'streams',
    ])
  })

  test.each(['s-7', 's-0'])('the load of %s without snapshots goes by one key, page after page', async (id) => {
    const statements = await statementsOf(() => made.store.aggregates.load(PlainAccount, id))
    expect(statements).toHaveLength(id === 's-7' ? 1 : LONG / 5_000 + 1)
    expectByKeys(await planOf(database.pool, statements[0] as QueryConfigLike, how), ['events'])
    expectByKeys(await planOf(database.pool, statements.at(-1) as QueryConfigLike, how), ['events'])
  })

  test('the lock of a stream goes by its key', async () => {
    const statements = await statementsOf(() =>
      made.store.transaction(async (tx) => void (await tx.aggregates.loadForUpdate(Account, 's-7'))),
    )
    const lock = statements.find(({ text }) => text.includes('lock_stream')) as QueryConfigLike
    const nodes = await planOf(database.pool, lock, how)
    expect(nodes.map((node) => node['Index Name'] ?? node['Node Type'])).toEqual(['LockRows', 'streams_pkey'])
  })

  test('the version of a time is found in its stream alone', async () => {
    const [statement] = await statementsOf(() => made.store.aggregates.loadAt(Account, 's-7', { time: new Date() }))
    const nodes = await planOf(database.pool, statement as QueryConfigLike, how)
    const ofEvents = nodes.find((node) => node['Relation Name'] === 'events')
    expect(ofEvents).toMatchObject({ 'Index Name': indexOf['events'] })
    expect(ofEvents?.['Index Cond']).toMatch(/stream_no = /)
    expect(nodes.filter((node) => /Seq Scan|Gather/.test(node['Node Type']))).toEqual([])
  })
})

// The planner does not know how many events a stream has, and may sort a few rows rather than walk the index.
test.each(['s-7', 's-0'])('planned for its values, the load of %s reads no table whole either', async (id) => {
  for (const aggregate of [Account, PlainAccount]) {
    const [statement] = await statementsOf(() => made.store.aggregates.load(aggregate, id))
    const nodes = await planOf(database.pool, statement as QueryConfigLike, custom)
    expect(nodes.filter((node) => /Seq Scan|Gather/.test(node['Node Type']))).toEqual([])
    expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toContain(indexOf['events'])
  }
})
