import type { RebuildProgress } from '@rillflow/projections'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test, vi } from 'vitest'
import { closed, deposited, deposits, kindNames, kinds, type AccountsOptions } from './support/workers/accounts.js'
import { barrier } from './support/workers/barrier.js'
import { openStore, storeOn } from './support/workers/open-store.js'
import { brief, eager, quick, startWorkers } from './support/workers/start-workers.js'
import { operationOf, SteppedPool } from './support/workers/stepped-pool.js'
import { until } from './support/workers/until.js'

const database = useDatabase({ max: 24 })
vi.setConfig({ testTimeout: 120_000 })

/** A projection that fails on some positions, and tells which it met. */
function poisoning() {
  const bad = new Set<number>()
  const met: number[] = []
  const meet: AccountsOptions['meet'] = ({ position }) => {
    met.push(position)
    if (bad.has(position)) throw new Error('poison')
  }
  return { bad, met, meet }
}

const once = { lease: eager, retry: { attempts: 1 } } as const
/** So that an event that is held is held in a batch, and not in the swap, for which others wait. */
const oneByOne = { ...once, batchSize: 1 } as const

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('makes everything anew, from the first event on', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    await store.events.append('a', [deposited(1), deposited(2), deposited(4, { to: ['b', 'c'] })])
    await store.events.append('c', [closed])
    const { position } = await store.events.append('d', [deposited(8, { tag: 'unique' })])
    await store.projections.runUntilIdle()
    const before = await kind.read(database.pool, schema)
    // What no event has made goes.
    await store.projections.reset('accounts', 'beginning')
    await store.projections.runUntilIdle()
    expect(await kind.read(database.pool, schema)).not.toEqual(before)
    const progress: RebuildProgress[] = []
    await store.projections.rebuild('accounts', { batchSize: 2, onProgress: (told) => progress.push(told) })
    expect(await kind.read(database.pool, schema)).toEqual(before)
    expect(progress.length).toBeGreaterThan(1)
    expect(progress.map((told) => told.position)).toEqual(
      progress.map((told) => told.position).toSorted((a, b) => a - b),
    )
    expect(await store.projections.status('accounts')).toMatchObject({ position, lag: 0, rebuild: undefined })
    await store.close()
  })

  test('on an empty store, and on one where nobody ran it', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    await store.projections.rebuild('accounts')
    expect(await kind.read(database.pool, schema)).toEqual({})
    const { position } = await store.events.append('a', deposits(3))
    await store.projections.rebuild('accounts')
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 3 } })
    expect(await store.projections.status('accounts')).toMatchObject({ position, lag: 0 })
    await store.close()
  })

  test('stops at a poison, leaves what readers see as it is, and begins anew when it is called again', async () => {
    const { bad, met, meet } = poisoning()
    const { store, schema } = await openStore(database.pool, [kind.define({ meet })])
    const { position } = await store.events.append('a', deposits(6))
    await store.projections.runUntilIdle()
    const before = await kind.read(database.pool, schema)
    bad.add(position - 2)
    const stop = { ...once, onFailure: 'stop', batchSize: 2 } as const
    await expect(store.projections.rebuild('accounts', stop)).rejects.toMatchObject({
      code: 'ConsumerStopped',
      position: position - 2,
    })
    expect(await kind.read(database.pool, schema)).toEqual(before)
    expect(await store.projections.status('accounts')).toMatchObject({
      state: 'active',
      position,
      rebuild: { state: 'stopped', version: 1 },
    })
    bad.clear()
    met.length = 0
    await store.projections.rebuild('accounts', stop)
    expect(met).toEqual([5, 4, 3, 2, 1, 0].map((back) => position - back))
    expect(await kind.read(database.pool, schema)).toEqual(before)
    expect(await store.projections.status('accounts')).toMatchObject({ rebuild: undefined })
    await store.close()
  })

  test('what it puts aside takes the place of what was put aside before, the same event too', async () => {
    const { bad, meet } = poisoning()
    const { store, schema } = await openStore(database.pool, [kind.define({ meet })])
    const { position: cured } = await store.events.append('cured', deposits(2))
    const { position: still } = await store.events.append('still', deposits(2))
    bad.add(cured - 1).add(still - 1)
    await store.projections.runUntilIdle({ retry: { attempts: 1 } })
    expect(await store.projections.deadLetters.list()).toHaveLength(4)
    bad.delete(cured - 1)
    await store.projections.rebuild('accounts', once)
    expect(await kind.read(database.pool, schema)).toMatchObject({ cured: { total: 2 } })
    expect(await store.projections.deadLetters.list('accounts', { group: '' })).toMatchObject([
      { position: still - 1, waiting: false },
      { position: still, waiting: true },
    ])
    // The stream waits still, and goes on when it is requeued.
    await store.events.append('still', deposits(1))
    bad.clear()
    await store.projections.deadLetters.requeueAll('accounts')
    await store.projections.runUntilIdle()
    expect(await kind.read(database.pool, schema)).toMatchObject({ still: { total: 3, count: 3 } })
    await store.close()
  })

  test('what comes behind a poison in its stream is put aside, however near to the swap', async () => {
    const { bad, meet } = poisoning()
    const { store, schema } = await openStore(database.pool, [kind.define({ meet })])
    for (const id of ['bad', 'good', 'good']) await store.events.append(id, deposits(1))
    const { position } = await store.events.append('bad', deposits(1))
    bad.add(position - 3)
    await store.projections.rebuild('accounts', { ...once, batchSize: 2 })
    expect(await kind.read(database.pool, schema)).toMatchObject({ good: { total: 2 } })
    expect(Object.keys(await kind.read(database.pool, schema))).toEqual(['good'])
    expect(await store.projections.deadLetters.list()).toMatchObject([
      { position: position - 3, waiting: false },
      { position, waiting: true },
    ])
    await store.close()
  })

  test('ended by its signal, it goes on from there when it is called again', async () => {
    const { met, meet } = poisoning()
    const { store, schema } = await openStore(database.pool, [kind.define({ meet })])
    const { position } = await store.events.append('a', deposits(1_205))
    const ended = new AbortController()
    const reason = new Error('enough')
    const onProgress = ({ position: at }: RebuildProgress): void => {
      if (at > 0) ended.abort(reason)
    }
    const partly = store.projections.rebuild('accounts', { ...once, batchSize: 100, onProgress, signal: ended.signal })
    await expect(partly).rejects.toBe(reason)
    expect(await store.projections.status('accounts')).toMatchObject({
      rebuild: { state: 'active' },
      worker: undefined,
    })
    expect(await kind.read(database.pool, schema)).toEqual({})
    const { rebuild } = await store.projections.status('accounts')
    expect(rebuild?.position).toBeGreaterThan(0)
    expect(rebuild?.position).toBeLessThan(position)
    await store.projections.rebuild('accounts', once)
    expect(met).toHaveLength(1_205)
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 1_205, count: 1_205 } })
    await store.close()
  })
})

/** Waits until a rebuild has begun, and looks for a lease. */
async function untilClaiming(pool: SteppedPool): Promise<void> {
  await until(() => pool.take().some((sent) => operationOf(sent) === 'claim_leases'))
}

test('two calls at once: one works, the other waits for it, and both return', async () => {
  const { met, meet } = poisoning()
  const step = barrier()
  const pools = [new SteppedPool(database.pool), new SteppedPool(database.pool)] as const
  const list = [
    kinds.handler.define({
      meet: async (event) => {
        void meet?.(event)
        await step.pass()
      },
    }),
  ]
  const { store, schema } = await openStore(pools[0], list)
  const other = storeOn(pools[1], schema, list)
  await store.events.append('a', deposits(5))
  const both = [store, other].map((each) => each.projections.rebuild('accounts', oneByOne))
  await step.reached
  await Promise.all(pools.map(untilClaiming))
  step.open()
  await Promise.all(both)
  expect(met).toHaveLength(5)
  expect(await kinds.handler.read(database.pool, schema)).toMatchObject({ a: { total: 5, count: 5 } })
  await Promise.all([store.close(), other.close()])
})

test('whoever waits for another one to rebuild is told when that one stops', async () => {
  const step = barrier()
  const pools = [new SteppedPool(database.pool), new SteppedPool(database.pool)] as const
  const list = [
    kinds.handler.define({
      meet: async () => {
        await step.pass()
        throw new Error('poison')
      },
    }),
  ]
  const { store, schema } = await openStore(pools[0], list)
  const other = storeOn(pools[1], schema, list)
  const { position } = await store.events.append('a', deposits(5))
  const stop = { ...oneByOne, onFailure: 'stop' } as const
  const both = Promise.allSettled([store, other].map((each) => each.projections.rebuild('accounts', stop)))
  await step.reached
  await Promise.all(pools.map(untilClaiming))
  step.open()
  const ends = await both
  expect(ends.map((end) => (end.status === 'rejected' ? (end.reason as { code: string }).code : end.status))).toEqual([
    'ConsumerStopped',
    'ConsumerStopped',
  ])
  expect(position).toBeGreaterThan(0)
  await Promise.all([store.close(), other.close()])
})

test('another worker takes over from one whose lease has ended, and goes on from there', async () => {
  const step = barrier()
  const list = (hold: boolean) => [kinds.handler.define({ meet: hold ? step.pass : undefined })]
  const { store: slow, schema } = await openStore(database.pool, list(true))
  const store = storeOn(database.pool, schema, list(false))
  await slow.events.append('a', deposits(5))
  const first = slow.projections.rebuild('accounts', { ...oneByOne, lease: brief })
  await step.reached
  // As if it had been frozen beyond its lease.
  await database.query(
    `update ${schema}.consumers set lease_until = now() - interval '1 s' where group_name = 'rebuild'`,
  )
  await store.projections.rebuild('accounts', oneByOne)
  step.open()
  await first
  expect(await kinds.handler.read(database.pool, schema)).toMatchObject({ a: { total: 5, count: 5 } })
  await Promise.all([store.close(), slow.close()])
})

test('a store that is closed ends its rebuild, which tells so', async () => {
  const step = barrier()
  const { store, schema } = await openStore(database.pool, [kinds.handler.define({ meet: step.pass })])
  await store.events.append('a', deposits(9))
  const rebuilding = store.projections.rebuild('accounts', { ...once, batchSize: 1 })
  rebuilding.catch(() => undefined)
  await step.reached
  const closing = store.close()
  step.open()
  await closing
  await expect(rebuilding).rejects.toMatchObject({ name: 'AbortError' })
  expect(await kinds.handler.read(database.pool, schema)).toEqual({})
})

test('a handler that never ends is given up in a rebuild too, and an inline one stops at it', async () => {
  let isPoisonous = false
  const meet: AccountsOptions['meet'] = () => (isPoisonous ? new Promise(() => undefined) : undefined)
  const { store, schema } = await openStore(database.pool, [kinds.handler.define({ mode: 'inline', meet })])
  await store.events.append('a', deposits(1))
  isPoisonous = true
  await expect(store.projections.rebuild('accounts', { ...once, timeout: 300 })).rejects.toMatchObject({
    code: 'ConsumerStopped',
  })
  isPoisonous = false
  // Appends were not left waiting.
  await store.events.append('a', deposits(1))
  await store.projections.rebuild('accounts', { retry: quick })
  expect(await kinds.handler.read(database.pool, schema)).toMatchObject({ a: { total: 2, count: 2 } })
  await store.close()
})

test('a rebuild that stops in workers is not begun again by them', async () => {
  const { bad, met, meet } = poisoning()
  const { store, schema } = await openStore(database.pool, [kinds.table.define()])
  const { position } = await store.events.append('a', deposits(3))
  await store.projections.runUntilIdle()
  const list = [kinds.table.define({ version: 2, meet }), kinds.collection.define({ name: 'one' })]
  const newer = storeOn(database.pool, schema, list)
  bad.add(position)
  await using workers = startWorkers(newer, { ...once, onFailure: 'stop' })
  await until(async () => (await newer.projections.status('accounts')).rebuild?.state === 'stopped')
  const before = met.length
  for (let n = 0; n < 20; n += 1) {
    const { position: next } = await newer.events.append(`b-${n}`, deposits(1))
    await newer.projections.waitFor('one', next, { timeout: 60_000 })
  }
  expect(met).toHaveLength(before)
  bad.clear()
  // Whoever mends it asks for it, and the workers take it up in its new version.
  await newer.projections.rebuild('accounts')
  const { position: last } = await newer.events.append('a', deposits(1))
  await newer.projections.waitFor('accounts', last, { timeout: 60_000 })
  expect(await kinds.table.read(database.pool, schema)).toMatchObject({ a: { total: 4, made: 2 } })
  await workers.stop()
  await store.close()
})
