import { useDatabase } from '@rillflow/testing/vitest'
import { sync } from '@rillflow/schema'
import { describe, expect, test, vi } from 'vitest'
import { deposited, deposits, kindNames, kinds, type AccountsOptions } from './support/workers/accounts.js'
import { barrier } from './support/workers/barrier.js'
import { openStore, storeOn } from './support/workers/open-store.js'
import { eager, startWorkers } from './support/workers/start-workers.js'
import { SteppedPool } from './support/workers/stepped-pool.js'
import { until } from './support/workers/until.js'

const database = useDatabase({ max: 24 })
vi.setConfig({ testTimeout: 120_000 })
const patient = { timeout: 60_000 }

describe.each(['workers_paused', 'public'])('in the schema %s', (schema) => {
  test('when a pause returns nothing is written any more', async () => {
    const step = barrier()
    const name = `paused_${schema}`
    const list = [kinds.handler.define({ name, meet: step.pass })]
    const store = storeOn(database.pool, schema, list)
    await sync(store)
    const { position } = await store.events.append('a', deposits(5))
    await using workers = startWorkers(store)
    await step.reached
    await store.projections.pause(name)
    step.open()
    await workers.stop()
    const read = () => kinds.handler.read(database.pool, schema, name)
    expect(await read()).toEqual({})
    expect(await store.projections.status(name)).toMatchObject({ state: 'paused', position: 0, worker: undefined })
    // Nor by whoever comes next.
    expect(await store.projections.runOnce()).toMatchObject([{ state: 'paused', position: 0 }])
    expect(await read()).toEqual({})
    await store.projections.resume(name)
    await store.projections.runUntilIdle()
    expect(await read()).toMatchObject({ a: { total: 5, count: 5 } })
    expect(await store.projections.status(name)).toMatchObject({ state: 'active', position })
    await store.close()
  })
})

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('a batch that is about to be checkpointed when it is paused is undone', async () => {
    const pool = new SteppedPool(database.pool)
    const { store, schema } = await openStore(pool, [kind.define()])
    await store.events.append('a', deposits(5))
    const step = pool.step('advance_checkpoint')
    await using workers = startWorkers(store)
    await step.reached
    await store.projections.pause('accounts')
    step.open()
    await workers.stop()
    expect(await kind.read(database.pool, schema)).toEqual({})
    expect(await store.projections.status('accounts')).toMatchObject({ state: 'paused', position: 0 })
  })

  test('a reset to the beginning applies everything again, on top of what is there', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    const { position } = await store.events.append('a', deposits(5))
    await store.projections.runUntilIdle()
    await store.projections.reset('accounts', 'beginning')
    expect(await store.projections.status('accounts')).toMatchObject({ position: 0, lag: position })
    await store.projections.runUntilIdle()
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 10, count: 10 } })
    await store.projections.reset('accounts', position - 2)
    await store.projections.runUntilIdle()
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 12 } })
    await store.events.append('a', deposits(3))
    await store.projections.reset('accounts', 'now')
    await store.projections.runUntilIdle()
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 12 } })
    await store.close()
  })
})

test('workers that run go on where a reset has put them', async () => {
  const { store, schema } = await openStore(database.pool, [kinds.table.define()])
  await using _ = startWorkers(store, { lease: { duration: 1_000, poll: 20 } })
  const { position } = await store.events.append('a', deposits(5))
  await store.projections.waitFor('accounts', position, patient)
  await store.projections.reset('accounts', 0)
  await store.projections.waitFor('accounts', position, patient)
  expect(await kinds.table.read(database.pool, schema)).toMatchObject({ a: { total: 10 } })
})

describe('status', () => {
  const poisonous: AccountsOptions['meet'] = () => {
    throw new Error('poison')
  }

  test('of those that never ran, run, are paused, have stopped, are inline, and are not defined any more', async () => {
    const list = [kinds.collection.define({ name: 'one' }), kinds.collection.define({ name: 'two', version: 3 })]
    const { store, schema } = await openStore(database.pool, list)
    const never = {
      version: 1,
      state: 'active',
      position: 0,
      worker: undefined,
      failing: undefined,
      lastError: undefined,
    }
    expect(await store.projections.list()).toMatchObject([
      { ...never, name: 'one', mode: 'async', defined: 1, head: 0, lag: 0, rebuild: undefined },
      { ...never, name: 'two', version: 3, defined: 3 },
    ])
    const { position } = await store.events.append('a', deposits(2))
    expect(await store.projections.status('one')).toMatchObject({ ...never, head: position, lag: position })
    await store.projections.pause('two')
    await using workers = startWorkers(store)
    await store.projections.waitFor('one', position, patient)
    expect(await store.projections.list()).toMatchObject([
      { name: 'one', state: 'active', position, lag: 0, worker: expect.any(String) },
      { name: 'two', state: 'paused', position: 0, lag: position, worker: undefined },
    ])
    await workers.stop()
    const renamed = storeOn(database.pool, schema, [
      kinds.collection.define({ name: 'one', meet: poisonous }),
      kinds.collection.define({ name: 'three', mode: 'inline' }),
    ])
    await store.events.append('b', deposits(1))
    const stop = { onFailure: 'stop', retry: { attempts: 2, delay: 1 } } as const
    await expect(renamed.projections.runUntilIdle(stop)).rejects.toMatchObject({ code: 'ConsumerStopped' })
    const head = position + 1
    expect(await renamed.projections.list()).toMatchObject([
      {
        name: 'one',
        state: 'stopped',
        position,
        lag: 1,
        failing: { position: head, attempts: 1 },
        lastError: { code: 'ProjectionFailed' },
      },
      { name: 'three', mode: 'inline', state: 'active', position: head, lag: 0 },
      { name: 'two', mode: undefined, defined: undefined, version: 3, state: 'paused' },
    ])
    await Promise.all([store.close(), renamed.close()])
  })

  test('names that nothing has are refused', async () => {
    const { store } = await openStore(database.pool, [kinds.collection.define({ mode: 'inline' })])
    const { projections } = store
    await expect(projections.status('none')).rejects.toMatchObject({ code: 'ProjectionNotFound' })
    await expect(projections.waitFor('none', 1)).rejects.toMatchObject({ code: 'ProjectionNotFound' })
    await expect(projections.rebuild('none')).rejects.toMatchObject({ code: 'ProjectionNotFound' })
    await expect(projections.pause('none')).rejects.toMatchObject({ code: 'ConsumerNotFound' })
    await expect(projections.resume('none')).rejects.toMatchObject({ code: 'ConsumerNotFound' })
    await expect(projections.reset('none', 0)).rejects.toMatchObject({ code: 'ConsumerNotFound' })
    await expect(projections.pause('accounts')).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(projections.reset('accounts', 0)).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(projections.reset('accounts', 'then' as never)).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(projections.waitFor('accounts', -1)).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(projections.run({ batchSize: 0 })).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(projections.run({ onFailure: 'ignore' as never })).rejects.toMatchObject({ code: 'InvalidArgument' })
    await store.close()
  })
})

describe('whoever waits', () => {
  test('for an inline projection waits for nothing', async () => {
    const { store } = await openStore(database.pool, [kinds.collection.define({ mode: 'inline' })])
    expect(await store.projections.waitFor('accounts', 1_000_000, { timeout: 0 })).toBeUndefined()
    await store.close()
  })

  test('is told why it is too late', async () => {
    const { store } = await openStore(database.pool, [kinds.collection.define()])
    const wait = () => store.projections.waitFor('accounts', 2, { timeout: 50 })
    await expect(wait()).rejects.toMatchObject({
      code: 'WaitTimeout',
      retryable: true,
      projection: 'accounts',
      position: 0,
    })
    await expect(wait()).rejects.toThrow(/never ran/)
    await store.events.append('a', deposits(1))
    await store.projections.runUntilIdle()
    await expect(wait()).rejects.toThrow(/at position 1 and was waited for at 2: it is behind/)
    await store.close()
  })

  test('does not wait for one that is paused or has stopped, unless it has come so far', async () => {
    const { store } = await openStore(database.pool, [
      kinds.handler.define({
        meet: ({ position }) => {
          if (position > 2) throw new Error('poison')
        },
      }),
    ])
    await store.events.append('a', deposits(2))
    await store.projections.runUntilIdle()
    await store.projections.pause('accounts')
    await store.projections.waitFor('accounts', 2, { timeout: 0 })
    const forever = { timeout: 86_400_000 }
    await expect(store.projections.waitFor('accounts', 3, forever)).rejects.toThrow(/it is paused/)
    await store.projections.resume('accounts')
    await store.events.append('a', [deposited(1)])
    const stop = { onFailure: 'stop', retry: { attempts: 1 }, lease: eager } as const
    await expect(store.projections.runUntilIdle(stop)).rejects.toMatchObject({ code: 'ConsumerStopped', position: 3 })
    await expect(store.projections.waitFor('accounts', 3, forever)).rejects.toThrow(/it has stopped/)
    await store.close()
  })

  test('ends with its signal, for the reason that it gives', async () => {
    const { store } = await openStore(database.pool, [kinds.collection.define()])
    const reason = new Error('enough')
    const ended = new AbortController()
    const waiting = store.projections.waitFor('accounts', 1, { signal: ended.signal, timeout: 86_400_000 })
    waiting.catch(() => undefined)
    let asked = 0
    await until(() => (asked += 1) > 10)
    ended.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(store.projections.waitFor('accounts', 1, { signal: ended.signal })).rejects.toBe(reason)
    await store.close()
  })
})
