import { parseExport } from '@rillflow/events'
import { plan, status, sync, verify } from '@rillflow/schema'
import type pg from 'pg'
import { expect } from 'vitest'
import { barrier } from '../barrier.js'
import { until } from '../processes/until.js'
import { added, Additions, Counter, type PooledStore } from './open-pooled-store.js'

/** Where a flow runs. */
export interface Place {
  readonly store: PooledStore
  readonly schema: string
  /** Opens another store on the same schema, as another process would; whoever opens it closes it. */
  readonly open: () => PooledStore
  /** Past the pooler. */
  readonly direct: pg.Pool
}

const callers = 30

const each = <Result>(work: (at: number) => Promise<Result>, count = callers): Promise<readonly Result[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)))

async function schemas({ store, open }: Place): Promise<void> {
  await each(async () => {
    await using other = open()
    await sync(other)
  }, 4)
  expect((await plan(store)).sql).toBe('')
  expect(await status(store)).toMatchObject({ upToDate: true })
  expect((await verify(store)).differences).toEqual([])
}

async function appends({ store }: Place): Promise<void> {
  const { events } = store
  expect(await events.append('alone', added(2), { expected: 'noStream' })).toMatchObject({ version: 2 })
  // Those that come together share statements.
  await each((at) => events.append(`batch-${at % 7}`, added(2)))
  await store.transaction(async (tx) => {
    await tx.events.append('transaction', added(1))
    await tx.events.append('transaction', added(2), { expected: 1 })
  })
  const session = store.session()
  session.events.append('session', added(3))
  session.docs.accounts.store({ id: 'session', balance: 1 })
  await session.saveChanges()
  expect(await events.readStream('session').toArray()).toHaveLength(3)
  expect(await events.readAll({ pageSize: 10 }).toArray()).toHaveLength(2 + 2 * callers + 3 + 3)
}

async function refusals({ store }: Place): Promise<void> {
  const { events } = store
  await events.append('taken', added(2))
  const late = events.append('taken', added(1), { expected: 1 })
  await expect(late).rejects.toMatchObject({ code: 'VersionConflict', actual: 2 })
  const races = await Promise.allSettled(
    Array.from({ length: callers }, () =>
      store.transaction((tx) => tx.events.append('race', added(1), { expected: 'noStream' })),
    ),
  )
  const lost = races.flatMap((race) => (race.status === 'rejected' ? [race.reason as unknown] : []))
  expect(lost).toMatchObject(Array.from({ length: callers - 1 }, () => ({ code: 'VersionConflict', actual: 1 })))
  const keyed = await each(() => events.append('keyed', added(2), { idempotencyKey: 'key' }), 5)
  expect(new Set(keyed.map(({ position }) => position)).size).toBe(1)
  expect(await events.streamInfo('keyed')).toMatchObject({ version: 2 })
  const failing = store.transaction(async (tx) => {
    await tx.events.append('undone', added(1))
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await events.streamExists('undone')).toBe(false)
}

async function documentsOf({ store }: Place): Promise<void> {
  const { accounts } = store.docs
  await accounts.put({ id: 'one', balance: 0 })
  await each((at) => accounts.put({ id: `put-${at}`, balance: at }))
  expect(await accounts.find({ balance: 7 })).toEqual([{ id: 'put-7', balance: 7 }])
  await each(() => accounts.patch('one', (patch) => patch.increment('balance')))
  await each(() => accounts.update('one', ({ id, balance }) => ({ id, balance: balance + 1 })))
  expect(await accounts.get('one')).toEqual({ id: 'one', balance: 2 * callers })
  let seen = 0
  for await (const { id } of accounts.query().iterate({ pageSize: 7 })) {
    // So the next page comes by any of the server's sessions.
    await accounts.patch(id, (patch) => patch.increment('balance'))
    seen += 1
  }
  expect(seen).toBe(callers + 1)
  const session = store.session()
  const loaded = await session.docs.accounts.load('put-1')
  session.docs.accounts.store({ id: 'put-1', balance: loaded?.balance ?? 0 })
  await accounts.patch('put-1', (patch) => patch.increment('balance'))
  await expect(session.saveChanges()).rejects.toMatchObject({ code: 'VersionConflict' })
}

async function aggregatesOf({ store, schema, direct }: Place): Promise<void> {
  const { aggregates } = store
  await each((at) => aggregates.execute(Counter, `counter-${at % 3}`, Counter.commands.add(1)))
  await store.transaction(async (tx) => {
    await tx.aggregates.loadForUpdate(Counter, 'counter-0')
    await tx.aggregates.execute(Counter, 'counter-0', Counter.commands.add(5))
  })
  const session = store.session()
  await session.aggregates.execute(Counter, 'counter-0', Counter.commands.add(5))
  await session.saveChanges()
  const loaded = await each((at) => aggregates.load(Counter, `counter-${at}`), 3)
  expect(loaded.map(({ state }) => state.sum)).toEqual([callers / 3 + 10, callers / 3, callers / 3])
  const { rows } = await direct.query(`select stream_id from "${schema}".snapshots order by 1`)
  expect(rows).toEqual([{ stream_id: 'counter-0' }, { stream_id: 'counter-1' }, { stream_id: 'counter-2' }])
}

/** The first worker freezes over the first event, another takes over, and the first comes back. */
async function subscriptionsOf({ store, schema, open, direct }: Place): Promise<void> {
  await using successor = open()
  const { position } = await store.events.append('counter', added(20))
  const stop = new AbortController()
  const { signal } = stop
  const [frozen, thawed] = [barrier(2), barrier(2)]
  const refused: unknown[] = []
  const zombie = store.subscriptions.run(
    Additions,
    async (delivery) => {
      await frozen()
      await thawed()
      const work = store.transaction(async (tx) => {
        await tx.docs.accounts.put({ id: `zombie-${delivery.event.data.n}`, balance: 1 })
        await tx.subscriptions.ack(delivery)
      })
      await work.catch((error: unknown) => refused.push(error))
      await work
    },
    { signal, lease: { duration: 60_000, poll: 3_600_000 } },
  )
  await frozen()
  await direct.query(`update "${schema}".consumers set lease_until = now() - interval '1 second'`)
  const second = successor.subscriptions.run(
    Additions,
    (delivery) =>
      successor.transaction(async (tx) => {
        await tx.docs.accounts.put({ id: `effect-${delivery.event.data.n}`, balance: 1 }, { expected: 0 })
        await tx.subscriptions.ack(delivery)
      }),
    { signal, lease: { duration: 60_000, poll: 20 } },
  )
  await until('all is acknowledged', async () => (await store.subscriptions.status('additions')).position === position)
  await thawed()
  await until('the zombie was refused', () => refused.length > 0)
  stop.abort()
  await Promise.all([zombie, second])
  expect(refused).toMatchObject([{ code: 'LeaseLost' }])
  expect(await store.docs.accounts.query().count()).toBe(20)
  expect(await store.subscriptions.deadLetters.list()).toEqual([])
}

async function projectionsOf({ store, schema, open, direct }: Place): Promise<void> {
  await using worker = open()
  const stop = new AbortController()
  const running = worker.projections.run({ signal: stop.signal, lease: { duration: 60_000, poll: 20 } })
  const results = await each((at) => store.events.append(`counter-${at % 5}`, added(3)))
  await store.projections.waitFor('totals', Math.max(...results.map(({ position }) => position)), { timeout: 60_000 })
  const sums = async (): Promise<readonly number[]> => (await store.docs.totals.find({})).map(({ balance }) => balance)
  const wanted = Array.from({ length: 5 }, () => (callers / 5) * 6)
  expect(await sums()).toEqual(wanted)
  await direct.query(`update "${schema}".docs set doc = doc || '{"balance": 1}' where collection = 'totals'`)
  await store.projections.rebuild('totals', { lease: { duration: 60_000, poll: 20 } })
  expect(await sums()).toEqual(wanted)
  stop.abort()
  await running
}

async function transfers({ store }: Place): Promise<void> {
  const count = 500
  const rows = Array.from({ length: count }, (_, n) => ({
    streamId: `import-${n % 9}`,
    type: 'Added' as const,
    data: { n },
  }))
  expect(await store.events.import(rows, { batchSize: 100 })).toMatchObject({ events: count })
  const accounts = Array.from({ length: count }, (_, at) => ({ id: `import-${at}`, balance: at }))
  expect(await store.docs.accounts.importAll(accounts)).toBe(count)
  // A COPY that the server breaks off leaves nothing behind, and its connection takes the next statement.
  await expect(store.docs.accounts.importAll([{ id: 'new', balance: 1 }, ...accounts])).rejects.toMatchObject({
    code: 'UniqueConflict',
  })
  let exported = 0
  for await (const { streamId } of parseExport(store.events.export()))
    exported += streamId.startsWith('import-') ? 1 : 0
  expect(exported).toBe(count)
  expect(await store.docs.accounts.query().count()).toBe(count)
  expect((await store.events.verify()).length).toBe(0)
}

async function waits({ store, open }: Place): Promise<void> {
  await using writer = open()
  const head = await store.events.head()
  const waiting = each(() => store.events.waitForHead(head), 5)
  const { position } = await writer.events.append('awaited', added(1))
  expect(await waiting).toEqual(Array<number>(5).fill(position))
  expect(await store.events.blockers()).toEqual([])
}

/** Everything that a store does, once; each on a schema of its own. */
export const flows: readonly (readonly [what: string, flow: (place: Place) => Promise<void>])[] = [
  ['sync by several at once, plan, status, verify', schemas],
  ['appends: alone, in a batch, in a transaction, in a session', appends],
  ['conflicts, idempotency keys, rollbacks', refusals],
  ['documents: put, find, patch, update, pages, sessions', documentsOf],
  ['aggregates: execute, snapshots, loadForUpdate', aggregatesOf],
  ['a subscription: acks in transactions, a take-over, a zombie', subscriptionsOf],
  ['a projection: workers and a rebuild', projectionsOf],
  ['imports by COPY, and an export', transfers],
  ['waiting for the head, by polling', waits],
]
