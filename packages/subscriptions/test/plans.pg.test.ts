import type { QueryConfigLike } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeAll, describe, expect, test } from 'vitest'
import { planOf, type PlanNode } from './support/plan-of.js'
import { nimbleLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, storeOn } from './support/test-store.js'
import { until } from './support/until.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase({ max: 20 })
const modes = ['force_generic_plan', 'force_custom_plan'] as const

/** The statements of these operations that a store has sent. */
const sent = new Map<string, QueryConfigLike>()

function operationOf({ text }: QueryConfigLike): string {
  return /^\/\* rillflow:(\w+)/.exec(text)?.[1] ?? ''
}

async function plan(operation: string, mode: (typeof modes)[number]): Promise<readonly PlanNode[]> {
  const statement = sent.get(operation)
  if (statement === undefined) throw new Error(`${operation} was not sent; there are ${[...sent.keys()].join(', ')}`)
  return planOf(database.pool, statement, mode)
}

/** 200,000 events on 2,000 streams, 1,000 consumers of 4 partitions, and 50,000 dead letters of some of them. */
beforeAll(async () => {
  const { store, schema } = await newStore(database.pool)
  await store.close()
  await database.query(
    `insert into "${schema}".streams (stream_id, category, version)
      select 's-' || n, 'order', 100 from generate_series(0, 1999) n`,
  )
  await database.query(
    `insert into "${schema}".events (stream_no, version, stream_id, category, type, schema_version, data, event_id)
      select s.stream_no, n / 2000 + 1, s.stream_id, s.category, case n % 3 when 0 then 'OrderShipped' else 'OrderPlaced' end, 1,
          '{"total": 1}', gen_random_uuid()
        from generate_series(0, 199999) n join "${schema}".streams s on s.stream_id = 's-' || n % 2000 order by n`,
  )
  await database.query(
    `insert into "${schema}".consumers (kind, name, partition, partitions, position)
      select 'subscription', 'c-' || n, p, 4, 200000 from generate_series(1, 1000) n, generate_series(0, 3) p`,
  )
  await database.query(
    `insert into "${schema}".dead_letters (consumer_id, position, stream_id, event_id, type, parks, waiting, attempts, error)
      select c.consumer_id, n, 's-' || n % 500, gen_random_uuid(), 'OrderPlaced', true, n % 10 <> 0, 1, '{"name":"Error","message":"no"}'
        from generate_series(1, 500) n, "${schema}".consumers c where c.name in (select 'c-' || m * 10 from generate_series(1, 25) m)`,
  )
  await database.query(
    `vacuum analyze "${schema}".streams, "${schema}".events, "${schema}".consumers, "${schema}".dead_letters`,
  )

  const pool = new WatchedPool(database.pool)
  await using watched = storeOn(pool, schema)
  const { subscriptions } = watched
  const fail = (): void => {
    throw new Error('no')
  }
  await subscriptions.create(Placed, { partitions: 4 })
  const failing = startRun(watched, 'c-500', fail, { retry: { attempts: 2, delay: 1 } })
  const letter = async (): Promise<string> => (await subscriptions.deadLetters.list('c-500', { limit: 1 }))[0]?.id ?? ''
  await subscriptions.list()
  await subscriptions.status('c-500')
  await subscriptions.setMaxInFlight('c-500', 2)
  await watched.events.append('new', placed(2))
  await until(async () => (await subscriptions.status('c-500')).deadLetters.failed > 0)
  await failing.stop()
  await subscriptions.deadLetters.requeue(await letter())
  const refusing = startRun(watched, 'c-10', fail, { lease: { duration: 300, poll: 20 } })
  const other = startRun(watched, 'c-10', fail, { lease: { duration: 300, poll: 20 } })
  await subscriptions.deadLetters.requeueAll('c-10')
  const keep = (): void => {
    for (const statement of pool.take()) sent.set(operationOf(statement), statement)
  }
  await until(() => {
    keep()
    return ['fail_letter', 'renew_leases', 'request_handover'].every((operation) => sent.has(operation))
  })
  await refusing.stop()
  await other.stop()
  const healing = startRun(watched, 'c-20', () => undefined, { lease: nimbleLease })
  await subscriptions.deadLetters.requeueAll('c-20')
  await until(() => {
    keep()
    return sent.has('settle_letter') && sent.has('is_parked')
  })
  await healing.stop()
  const stop = new AbortController()
  const partition = watched.subscriptions.run(
    Placed,
    (delivery) =>
      watched.transaction(async (tx) => {
        await tx.subscriptions.ack(delivery)
        stop.abort()
      }),
    { signal: stop.signal },
  )
  await partition
  await subscriptions.pause('c-1')
  await subscriptions.resume('c-1')
  await subscriptions.reset('c-1', 5)
  await subscriptions.deadLetters.delete(await letter())
  await subscriptions.repartition('c-1', 2)
  await subscriptions.remove('c-1')
  keep()
}, 120_000)

describe.each(modes)('%s', (mode) => {
  test('a page of a partition walks the index on positions, and sorts nothing', async () => {
    const nodes = await plan('read_all_asc', mode)
    expect(sent.get('read_all_asc')?.text).toContain('2654435761')
    const types = nodes.map((node) => node['Node Type'])
    expect(types.filter((type) => /Sort|Seq Scan|Gather|Bitmap/.test(type))).toEqual([])
    expect(nodes.find((node) => node['Relation Name'] === 'events')).toMatchObject({
      'Node Type': 'Index Scan',
      'Index Cond': expect.stringContaining('position') as unknown,
    })
  })

  test.each(['acknowledge', 'record_failure', 'release_lease', 'renew_leases'])(
    '%s goes by the key of the consumer',
    async (operation) => {
      const nodes = await plan(operation, mode)
      expect(nodes.filter((node) => /Seq Scan/.test(node['Node Type']))).toEqual([])
      expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toContain('consumers_pkey')
    },
  )

  test.each([
    'claim_leases',
    'request_handover',
    'create_consumer',
    'consumer_definition',
    'pause_consumer',
    'resume_consumer',
    'reset_consumer',
    'interrupt_consumer',
    'set_max_in_flight',
    'lock_partitions',
    'remove_consumer',
  ])('%s finds the consumer by its name', async (operation) => {
    const nodes = await plan(operation, mode)
    expect(nodes.filter((node) => /Seq Scan/.test(node['Node Type']))).toEqual([])
    expect(nodes.flatMap((node) => node['Index Name'] ?? [])).toContain('consumers_key')
  })

  test.each([
    'read_aside',
    'write_dead_letters',
    'settle_letter',
    'is_parked',
    'fail_letter',
    'requeue_letters',
    'requeue_all_letters',
    'delete_letter',
    'owner_of_letter',
    'forget_letters',
    'move_letters',
    'list_dead_letters',
  ])('%s reads no other dead letters', async (operation) => {
    const nodes = await plan(operation, mode)
    expect(
      nodes.filter((node) => /Seq Scan/.test(node['Node Type']) && node['Relation Name'] === 'dead_letters'),
    ).toEqual([])
  })

  test('the status of one, and of all, counts dead letters by their index', async () => {
    const nodes = await plan('consumer_status', mode)
    const letters = nodes.filter((node) => node['Relation Name'] === 'dead_letters')
    expect(letters.length).toBeGreaterThan(0)
    expect(letters.filter((node) => /Seq Scan/.test(node['Node Type']))).toEqual([])
  })
})
