import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test, vi } from 'vitest'
import { deposited, deposits, kindNames, kinds, type AccountsOptions } from './support/workers/accounts.js'
import { openStore } from './support/workers/open-store.js'
import { quick, startWorkers } from './support/workers/start-workers.js'
import { until } from './support/workers/until.js'

const database = useDatabase({ max: 16 })
vi.setConfig({ testTimeout: 120_000 })

const retry = { attempts: 2, delay: 1 }

/** Projections that fail on some positions, and tell in what order they met all of them. */
function poisoning() {
  const bad = new Set<number>()
  const met: number[] = []
  const meet: AccountsOptions['meet'] = ({ position }) => {
    met.push(position)
    if (bad.has(position)) throw new Error('poison')
  }
  return { bad, met, meet }
}

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  /** A stream of five events whose second one is parked with the rest, and one beside it. */
  async function parked() {
    const { bad, met, meet } = poisoning()
    const { store, schema } = await openStore(database.pool, [kind.define({ meet })])
    const { position: last } = await store.events.append(
      'bad',
      [1, 10, 100, 1_000, 10_000].map((n) => deposited(n)),
    )
    const { position: head } = await store.events.append('good', deposits(3))
    bad.add(last - 3)
    await store.projections.runUntilIdle({ retry })
    met.length = 0
    const read = () => kind.read(database.pool, schema)
    expect(await read()).toMatchObject({ bad: { total: 1 }, good: { total: 3 } })
    const { deadLetters } = store.projections
    const letters = await deadLetters.list('accounts')
    expect(letters.map(({ position }) => position)).toEqual([last - 3, last - 2, last - 1, last])
    return { store, bad, met, read, deadLetters, letters, last, head }
  }

  test('requeued are exactly those that were parked, in their order, and the checkpoint stands', async () => {
    const { store, bad, met, read, deadLetters, letters, last, head } = await parked()
    bad.clear()
    // By any of them, for they wait for each other.
    await deadLetters.requeue(letters[2]?.id ?? '')
    expect(await deadLetters.list()).toMatchObject(letters.map(({ id }) => ({ id, requeued: true })))
    await store.projections.runUntilIdle({ retry })
    expect(met).toEqual([last - 3, last - 2, last - 1, last])
    expect(await read()).toMatchObject({ bad: { total: 11_111, count: 5 }, good: { total: 3, count: 3 } })
    expect(await deadLetters.list()).toEqual([])
    expect(await store.projections.status('accounts')).toMatchObject({ position: head, deadLetters: { failed: 0 } })
    // The stream flows again.
    await store.events.append('bad', deposits(1))
    await store.projections.runUntilIdle({ retry })
    expect(await read()).toMatchObject({ bad: { total: 11_112 } })
    await store.close()
  })

  test('a requeued one that fails again waits with all behind it, and what comes behind them does', async () => {
    const { store, bad, met, read, deadLetters, letters, last } = await parked()
    bad.clear()
    bad.add(last - 1)
    await deadLetters.requeueAll('accounts')
    const { position } = await store.events.append('bad', deposits(1))
    await store.projections.runUntilIdle({ retry })
    expect(met).toEqual([last - 3, last - 2, last - 1])
    expect(await read()).toMatchObject({ bad: { total: 111, count: 3 } })
    expect(await deadLetters.list()).toMatchObject([
      {
        id: letters[2]?.id,
        position: last - 1,
        requeued: false,
        waiting: false,
        attempts: 1,
        error: { code: 'ProjectionFailed' },
      },
      { id: letters[3]?.id, position: last, requeued: false, waiting: true, attempts: 0 },
      { position, requeued: false, waiting: true },
    ])
    bad.clear()
    expect(await deadLetters.requeueAll('accounts')).toBe(3)
    await store.projections.runUntilIdle({ retry })
    expect(met.slice(3)).toEqual([last - 1, last, position])
    expect(await read()).toMatchObject({ bad: { total: 11_112, count: 6 } })
    await store.close()
  })

  test('a deleted one is given up, and those behind it come when they are requeued', async () => {
    const { store, met, read, deadLetters, letters, last } = await parked()
    await deadLetters.delete(letters[0]?.id ?? '')
    await store.projections.runUntilIdle({ retry })
    expect(met).toEqual([])
    expect(await deadLetters.list()).toHaveLength(3)
    await deadLetters.requeue(letters[1]?.id ?? '')
    await store.projections.runUntilIdle({ retry })
    expect(met).toEqual([last - 2, last - 1, last])
    expect(await read()).toMatchObject({ bad: { total: 11_101, count: 4 } })
    await expect(deadLetters.delete(letters[0]?.id ?? '')).rejects.toMatchObject({ code: 'ConsumerNotFound' })
    await store.close()
  })

  test('of those that were put aside alone only the one that is requeued is tried', async () => {
    const { bad, met, meet } = poisoning()
    const { store, schema } = await openStore(database.pool, [kind.define({ meet })])
    const { position: last } = await store.events.append(
      'bad',
      [1, 10, 100, 1_000].map((n) => deposited(n)),
    )
    for (const position of [last - 3, last - 1]) bad.add(position)
    await store.projections.runUntilIdle({ retry, onFailure: 'deadLetter' })
    expect(await kind.read(database.pool, schema)).toMatchObject({ bad: { total: 1_010 } })
    bad.delete(last - 3)
    met.length = 0
    const letters = await store.projections.deadLetters.list()
    await store.projections.deadLetters.requeue(letters[0]?.id ?? '')
    await store.projections.runUntilIdle({ retry, onFailure: 'deadLetter' })
    expect(met).toEqual([last - 3])
    expect(await kind.read(database.pool, schema)).toMatchObject({ bad: { total: 1_011 } })
    expect(await store.projections.deadLetters.list()).toMatchObject([{ position: last - 1 }])
    await store.close()
  })
})

test('workers that run take up at once what is requeued', async () => {
  const { bad, meet } = poisoning()
  const { store, schema } = await openStore(database.pool, [kinds.collection.define({ meet })])
  const { position } = await store.events.append('bad', deposits(3))
  bad.add(position - 2)
  await using _ = startWorkers(store, { retry: quick })
  await store.projections.waitFor('accounts', position, { timeout: 60_000 })
  bad.clear()
  await store.projections.deadLetters.requeueAll('accounts')
  await until(async () => (await store.projections.deadLetters.list()).length === 0)
  expect(await kinds.collection.read(database.pool, schema)).toMatchObject({ bad: { total: 3, count: 3 } })
})

test('a letter alone that fails again holds up no parked ones of its stream', async () => {
  const { bad, meet } = poisoning()
  const { store, schema } = await openStore(database.pool, [kinds.collection.define({ meet })])
  const { position } = await store.events.append('bad', deposits(3))
  bad.add(position - 2)
  await store.projections.runOnce({ batchSize: 1, retry, onFailure: 'deadLetter' })
  bad.add(position - 1)
  await store.projections.runUntilIdle({ retry })
  expect(await store.projections.deadLetters.list()).toMatchObject([{ parks: false }, { parks: true }, { parks: true }])
  bad.delete(position - 1)
  await store.projections.deadLetters.requeueAll('accounts')
  await store.projections.runUntilIdle({ retry })
  expect(await kinds.collection.read(database.pool, schema)).toMatchObject({ bad: { total: 2 } })
  expect(await store.projections.deadLetters.list()).toMatchObject([{ position: position - 2, requeued: false }])
  await store.close()
})
