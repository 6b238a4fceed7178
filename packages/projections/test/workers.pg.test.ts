import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test, vi } from 'vitest'
import { closed, deposited, deposits, kindNames, kinds, noted } from './support/workers/accounts.js'
import { openStore } from './support/workers/open-store.js'
import { startWorkers } from './support/workers/start-workers.js'

const database = useDatabase({ max: 16 })
const patient = { timeout: 60_000 }
vi.setConfig({ testTimeout: 120_000 })

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('workers bring a projection up, and whoever waits for it reads it', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    await using workers = startWorkers(store)
    for (let n = 1; n <= 20; n += 1) await store.events.append(`a-${n % 3}`, [deposited(n)])
    const { position } = await store.events.append('a-0', [closed])
    await store.projections.waitFor('accounts', position, patient)
    expect(await kind.read(database.pool, schema)).toEqual({
      'a-1': { total: 1 + 4 + 7 + 10 + 13 + 16 + 19, count: 7, made: 1, tag: null },
      'a-2': { total: 2 + 5 + 8 + 11 + 14 + 17 + 20, count: 7, made: 1, tag: null },
    })
    await workers.stop()
    expect(await store.projections.status('accounts')).toMatchObject({ lag: 0, position, worker: undefined })
    await store.close()
  })

  test('an event goes to several accounts, and closes those of its stream alone', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    await store.events.append('a', [
      deposited(1, { to: ['x', 'y'] }),
      deposited(2),
      deposited(4, { to: ['y'] }),
      closed,
    ])
    await store.projections.runUntilIdle({ batchSize: 2 })
    expect(await kind.read(database.pool, schema)).toMatchObject({ x: { total: 1 }, y: { total: 5 } })
    await store.close()
  })
})

test('a checkpoint passes at once what is not selected, at the head', async () => {
  const { store } = await openStore(database.pool, [kinds.collection.define({ prefix: 'a-' })])
  await using _ = startWorkers(store)
  await store.events.append('a-1', deposits(1))
  for (let n = 0; n < 20; n += 1) {
    const appended = n % 2 === 0 ? store.events.append(`b-${n}`, deposits(1)) : store.events.append(`a-${n}`, [noted])
    const { position } = await appended
    await store.projections.waitFor('accounts', position, patient)
    expect(await store.projections.status('accounts')).toMatchObject({ position })
  }
})

describe('until idle', () => {
  test('on an empty store', async () => {
    const { store } = await openStore(database.pool, [kinds.collection.define()])
    expect(await store.projections.runUntilIdle()).toMatchObject([{ name: 'accounts', lag: 0, position: 0 }])
    expect(await store.projections.runOnce()).toMatchObject([{ name: 'accounts', lag: 0, position: 0 }])
    await store.close()
  })

  test('goes to the head, over many batches, and ends', async () => {
    const { store, schema } = await openStore(database.pool, [kinds.collection.define()])
    const { position } = await store.events.append('a', deposits(100))
    expect(await store.projections.runUntilIdle({ batchSize: 7 })).toMatchObject([{ lag: 0, position }])
    expect(await kinds.collection.read(database.pool, schema)).toMatchObject({ a: { total: 100, count: 100 } })
    await store.close()
  })

  test('sees another worker do it', async () => {
    const { store } = await openStore(database.pool, [kinds.collection.define()])
    await using _ = startWorkers(store)
    const { position } = await store.events.append('a', deposits(10))
    expect(await store.projections.runUntilIdle()).toMatchObject([{ position }])
  })

  test('runs those that it is told, and leaves paused ones and inline ones as they are', async () => {
    const list = [
      kinds.collection.define({ name: 'one' }),
      kinds.collection.define({ name: 'two' }),
      kinds.collection.define({ name: 'three', mode: 'inline' }),
    ]
    const { store } = await openStore(database.pool, list)
    await store.projections.pause('two')
    const { position } = await store.events.append('a', deposits(10))
    const paused = { name: 'two', position: 0, state: 'paused', lag: position }
    expect(await store.projections.runUntilIdle({ only: ['two', 'three'] })).toMatchObject([paused])
    expect(await store.projections.list()).toMatchObject([{ name: 'one', position: 0 }, { name: 'three' }, paused])
    expect(await store.projections.runUntilIdle()).toMatchObject([{ name: 'one', position, lag: 0 }, paused])
    await expect(store.projections.run({ only: ['four'] })).rejects.toMatchObject({ code: 'ProjectionNotFound' })
    await store.close()
  })
})

test('once is one batch, of those whose lease is free', async () => {
  const { store, schema } = await openStore(database.pool, [kinds.collection.define()])
  const { position } = await store.events.append('a', deposits(10))
  const first = position - 9
  expect(await store.projections.runOnce({ batchSize: 4 })).toMatchObject([{ position: first + 3 }])
  await database.query(
    `update ${schema}.consumers set lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour'`,
  )
  expect(await store.projections.runOnce({ batchSize: 4 })).toMatchObject([{ position: first + 3 }])
  await store.close()
})

test('closing the store ends what runs', async () => {
  const { store, schema } = await openStore(database.pool, [kinds.collection.define()])
  const workers = startWorkers(store)
  const { position } = await store.events.append('a', deposits(1))
  await store.projections.waitFor('accounts', position, patient)
  await store.close()
  await workers.ended
  const { rows } = await database.query(`select lease_owner from ${schema}.consumers`)
  expect(rows).toEqual([{ lease_owner: null }])
  await expect(store.projections.run()).rejects.toMatchObject({ code: 'InvalidState' })
})
