import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { rejectionOf } from './support/rejection-of.js'
import { nimbleLease, startRun } from './support/start-run.js'
import { newStore, Placed, placed, storeOn, type TestStore } from './support/test-store.js'
import { until } from './support/until.js'
import { untilStatus } from './support/until-status.js'

const database = useDatabase({ max: 40 })
const streams = 24

/** One event for each of many streams, whose totals tell how many there were before in the stream. */
async function appendRound(store: TestStore, round: number): Promise<void> {
  await Promise.all(Array.from({ length: streams }, (_, n) => store.events.append(`order-${n}`, placed(1, round))))
}

test('every stream belongs to exactly one partition, and each of them has some', async () => {
  const { store, schema } = await newStore(database.pool)
  for (let round = 1; round <= 3; round += 1) await appendRound(store, round)
  const seen: string[] = []
  const run = startRun(store, Placed, ({ event }) => void seen.push(`${event.streamId}.${event.data.total}`), {
    partitions: 4,
  })
  await untilStatus(store, 'placed', ({ lag }) => lag === 0)
  await run.stop()
  expect(seen).toHaveLength(streams * 3)
  expect(new Set(seen).size).toBe(streams * 3)
  const { partitions } = await store.subscriptions.status('placed')
  expect(partitions.map(({ partition, position }) => [partition, position])).toEqual(
    [0, 1, 2, 3].map((partition) => [partition, streams * 3]),
  )
  // Parked in its own partition, a stream of each shows that each has some.
  await appendRound(store, 4)
  startRun(
    store,
    Placed,
    () => {
      throw new Error('no')
    },
    { retry: { attempts: 1 } },
  )
  await untilStatus(store, 'placed', ({ lag }) => lag === 0)
  const { rows } = await database.query<{ count: string }>(
    `select count(*) from "${schema}".dead_letters group by consumer_id`,
  )
  expect(rows).toHaveLength(4)
  expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(streams)
})

test('four partitions over two workers end up two and two; nothing is lost, doubled or out of order', async () => {
  const { store, schema } = await newStore(database.pool)
  const one = store
  await using two = storeOn(database.pool, schema)
  await one.subscriptions.create(Placed, { partitions: 4 })
  const seen = new Map<string, number[]>()
  const take = ({ event }: { event: { streamId: string; data: { total: number } } }): void =>
    void seen.set(event.streamId, [...(seen.get(event.streamId) ?? []), event.data.total])
  const shares = async (): Promise<readonly number[]> => {
    const { partitions } = await one.subscriptions.status('placed')
    const counts = new Map<string, number>()
    for (const { worker } of partitions) if (worker !== undefined) counts.set(worker, (counts.get(worker) ?? 0) + 1)
    return [...counts.values()].toSorted((few, many) => few - many)
  }
  const handled = (): number => [...seen.values()].reduce((sum, { length }) => sum + length, 0)
  let round = 0
  const next = async (): Promise<void> => {
    round += 1
    await appendRound(one, round)
    await until(() => handled() >= streams * round)
  }
  startRun(one, Placed, take, { lease: nimbleLease })
  await until(async () => String(await shares()) === '4')
  await next()
  const second = startRun(two, Placed, take, { lease: nimbleLease })
  await until(async () => {
    await next()
    return String(await shares()) === '2,2'
  })
  await next()
  await second.stop()
  await until(async () => String(await shares()) === '4')
  await next()
  for (const totals of seen.values()) expect(totals).toEqual(Array.from({ length: round }, (_, n) => n + 1))
})

test('as many workers as partitions end up with one each; one more stands by', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create(Placed, { partitions: 3 })
  const runs = Array.from({ length: 4 }, () => startRun(store, Placed, () => undefined, { lease: nimbleLease }))
  await untilStatus(store, 'placed', ({ partitions }) => {
    const workers = new Set(partitions.map(({ worker }) => worker))
    return workers.size === 3 && !workers.has(undefined)
  })
  for (const run of runs) await run.stop()
  const { partitions } = await store.subscriptions.status('placed')
  expect(partitions.map(({ worker }) => worker)).toEqual([undefined, undefined, undefined])
})

test('a run that names another number of partitions is refused', async () => {
  const { store } = await newStore(database.pool)
  await store.subscriptions.create(Placed, { partitions: 2 })
  const error = await rejectionOf(store.subscriptions.run(Placed, () => undefined, { partitions: 3 }))
  expect(error).toMatchObject({
    code: 'InvalidState',
    message: expect.stringContaining('2 partitions, and not 3') as unknown,
  })
  for (const partitions of [0, -1, 1.5, 1_001, '2']) {
    const refused = { code: 'InvalidArgument' }
    const options = { partitions: partitions as number, group: 'x' }
    expect(await rejectionOf(store.subscriptions.run(Placed, () => undefined, options))).toMatchObject(refused)
    expect(await rejectionOf(store.subscriptions.create('y', options))).toMatchObject(refused)
    expect(await rejectionOf(store.subscriptions.repartition('placed', partitions as number))).toMatchObject(refused)
  }
})

test.each([
  [1, 4],
  [4, 2],
  [3, 1],
  [2, 3],
])('from %i partitions to %i: letters move with their streams, and nothing is lost', async (from, to) => {
  const { store } = await newStore(database.pool)
  await appendRound(store, 1)
  const bad = new Set(['order-1', 'order-2', 'order-3', 'order-4', 'order-5'])
  const failing = new Set(bad)
  const seen: string[] = []
  const handle = ({ event }: { event: { streamId: string; data: { total: number } } }): void => {
    if (failing.has(event.streamId)) throw new Error('no')
    seen.push(`${event.streamId}.${event.data.total}`)
  }
  const options = { retry: { attempts: 1 }, lease: nimbleLease } as const
  const run = startRun(store, Placed, handle, { ...options, partitions: from })
  await untilStatus(store, 'placed', ({ lag, deadLetters }) => lag === 0 && deadLetters.failed === bad.size)
  await run.stop()

  await store.subscriptions.repartition('placed', to)
  expect((await store.subscriptions.status('placed')).partitions).toHaveLength(to)
  expect(await store.subscriptions.status('placed')).toMatchObject({ deadLetters: { failed: bad.size } })
  await appendRound(store, 2)
  startRun(store, Placed, handle, options)
  // The streams are parked in the partitions that they belong to now.
  await untilStatus(store, 'placed', ({ lag, deadLetters }) => lag === 0 && deadLetters.waiting === bad.size)
  failing.clear()
  expect(await store.subscriptions.deadLetters.requeueAll('placed')).toBe(2 * bad.size)
  await untilStatus(store, 'placed', ({ deadLetters }) => deadLetters.failed + deadLetters.waiting === 0)
  for (const stream of bad) {
    expect(seen.filter((each) => each.startsWith(`${stream}.`))).toEqual([`${stream}.1`, `${stream}.2`])
  }
  expect(new Set(seen).size).toBe(2 * streams)
})

test('repartitioned with letters that were put back: those that come again by themselves are handled once', async () => {
  const { store, schema } = await newStore(database.pool)
  await appendRound(store, 1)
  const seen: string[] = []
  let isBroken = true
  const handle = ({ event }: { event: { streamId: string; data: { total: number } } }): void => {
    if (isBroken) throw new Error('no')
    seen.push(`${event.streamId}.${event.data.total}`)
  }
  const options = { retry: { attempts: 1 }, lease: nimbleLease } as const
  const run = startRun(store, Placed, handle, { ...options, partitions: 2 })
  await untilStatus(store, 'placed', ({ lag, deadLetters }) => lag === 0 && deadLetters.failed === streams)
  await run.stop()
  // One partition has come to the end, the other is at the beginning: nobody has looked at the letters since.
  await store.subscriptions.deadLetters.requeueAll('placed')
  await database.query(`update ${schema}.consumers set position = 0 where name = 'placed' and partition = 1`)
  await store.subscriptions.repartition('placed', 3)
  isBroken = false
  startRun(store, Placed, handle, options)
  await untilStatus(store, 'placed', ({ lag, deadLetters }) => lag === 0 && deadLetters.failed === 0)
  await until(() => seen.length >= streams)
  expect(seen.toSorted()).toEqual([...new Set(seen)].toSorted())
  expect(seen).toHaveLength(streams)
})

test('repartitioned while it runs: workers take what is there from then on', async () => {
  const { store } = await newStore(database.pool)
  const last = new Map<string, number>()
  const misplaced: string[] = []
  const handle = ({ event }: { event: { streamId: string; data: { total: number } } }): void => {
    const { streamId, data } = event
    // Some come again; none is passed over.
    if (data.total > (last.get(streamId) ?? 0) + 1) misplaced.push(`${streamId}.${data.total}`)
    last.set(streamId, data.total)
  }
  startRun(store, Placed, handle, { partitions: 2, lease: nimbleLease })
  startRun(store, Placed, handle, { lease: nimbleLease })
  let round = 0
  for (const partitions of [4, 1, 3]) {
    round += 1
    await appendRound(store, round)
    await store.subscriptions.repartition('placed', partitions)
    round += 1
    await appendRound(store, round)
    await untilStatus(store, 'placed', (status) => status.lag === 0 && status.partitions.length === partitions)
  }
  await until(() => [...last.values()].every((total) => total === round) && last.size === streams)
  expect(misplaced).toEqual([])
})

test('renewals, takes and acts of operators in many partitions never deadlock', async () => {
  const { store, schema } = await newStore(database.pool)
  const one = store
  await using two = storeOn(database.pool, schema)
  await one.subscriptions.create(Placed, { partitions: 60 })
  const lease = { duration: 100, poll: 1 } as const
  const runs = [one, two].map((each) => startRun(each, Placed, () => undefined, { lease }))
  for (let turn = 0; turn < 60; turn += 1) {
    await Promise.all([
      one.subscriptions.resume('placed'),
      two.subscriptions.setMaxInFlight('placed', 1 + (turn % 3)),
      one.subscriptions.reset('placed', 0),
    ])
  }
  for (const run of runs) await run.stop()
  await database.query('select pg_stat_clear_snapshot()')
  const { rows } = await database.query<{ deadlocks: string }>(
    'select deadlocks::text from pg_stat_database where datname = current_database()',
  )
  expect(rows).toEqual([{ deadlocks: '0' }])
})
