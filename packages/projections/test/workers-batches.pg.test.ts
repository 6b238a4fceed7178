import fc from 'fast-check'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { closed, deposited, deposits, kindNames, kinds, noted } from './support/workers/accounts.js'
import { openStore, storeOn } from './support/workers/open-store.js'
import { until } from './support/workers/until.js'
import { quick, startWorkers } from './support/workers/start-workers.js'
import { operationOf, SteppedPool } from './support/workers/stepped-pool.js'
import { WatchedPool } from './support/watched-pool.js'

const database = useDatabase({ max: 16 })
vi.setConfig({ testTimeout: 120_000 })

const stop = { onFailure: 'stop', retry: { attempts: 1 } } as const

/** Appends to three streams, with accounts that several of them change. */
const histories = fc.array(
  fc.record({
    stream: fc.constantFrom('s', 't', 'u'),
    events: fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: 1, max: 9 }).map((amount) => deposited(amount)) },
        {
          weight: 2,
          arbitrary: fc
            .tuple(fc.integer({ min: 1, max: 9 }), fc.subarray(['s', 't', 'x', 'y'] as const))
            .map(([amount, to]) => deposited(amount, { to })),
        },
        { weight: 1, arbitrary: fc.constantFrom(closed, noted) },
      ),
      { minLength: 1, maxLength: 12 },
    ),
  }),
  { minLength: 1, maxLength: 8 },
)

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('I6: whatever the batches, it is what the inline projection of the same events is', async () => {
    const list = [kind.define({ name: 'one', mode: 'inline' }), kind.define({ name: 'two' })]
    const { store, schema } = await openStore(database.pool, list)
    const run = fc.asyncProperty(histories, fc.integer({ min: 1, max: 15 }), async (history, batchSize) => {
      for (const { stream, events } of history) await store.events.append(stream, events)
      await store.projections.runUntilIdle({ batchSize })
      const inline = await kind.read(database.pool, schema, 'one')
      expect(await kind.read(database.pool, schema, 'two')).toEqual(inline)
    })
    await fc.assert(run, { numRuns: 25 })
    expect(Object.keys(await kind.read(database.pool, schema, 'one')).length).toBeGreaterThan(0)
    await store.close()
  })

  test('the checkpoint and what is written are stored together, or neither of them', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    const { position } = await store.events.append('a', deposits(10))
    await database.query(`
      create function ${schema}.refuse() returns trigger language plpgsql as $$ begin raise 'not at this commit'; end $$;
      create constraint trigger refuse after update of position on ${schema}.consumers deferrable initially deferred
        for each row when (old.position < new.position) execute function ${schema}.refuse()`)
    await expect(store.projections.runUntilIdle(stop)).rejects.toMatchObject({ code: 'ConsumerStopped' })
    expect(await kind.read(database.pool, schema)).toEqual({})
    expect(await store.projections.status('accounts')).toMatchObject({ position: 0, state: 'stopped' })
    await database.query(`drop trigger refuse on ${schema}.consumers`)
    await store.projections.resume('accounts')
    expect(await store.projections.runUntilIdle(stop)).toMatchObject([{ position, state: 'active' }])
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 10, count: 10 } })
    await store.close()
  })

  test('a connection that is lost at a commit stores each event once', async () => {
    const pool = new SteppedPool(database.pool)
    const { store, schema } = await openStore(pool, [kind.define()])
    const { position } = await store.events.append('a', deposits(10))
    pool.lose('advance_checkpoint')
    await using workers = startWorkers(store, { batchSize: 4 })
    await until(() => pool.take().some((sent) => operationOf(sent) === 'advance_checkpoint'))
    expect(await kind.read(database.pool, schema)).toEqual({})
    pool.find('advance_checkpoint')
    await store.projections.waitFor('accounts', position, { timeout: 60_000 })
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 10, count: 10 } })
    expect(await store.projections.status('accounts')).toMatchObject({ deadLetters: { failed: 0, waiting: 0 } })
    await workers.stop()
  })
})

test.each([
  ['collection', ['begin', 'limit_projection', 'get many', 'put_all', 'advance_checkpoint', 'commit']],
  ['table', ['begin', 'limit_projection', 'load_rows', 'put_rows', 'advance_checkpoint', 'commit']],
] as const)('%s: a batch is one transaction of few statements, however many events', async (name, wanted) => {
  const { schema } = await openStore(database.pool, [kinds[name].define()])
  const pool = new WatchedPool(database.url)
  const store = storeOn(pool, schema, [kinds[name].define()])
  onTestFinished(() => pool.end())
  for (let n = 0; n < 3; n += 1) await store.events.append(`a-${n}`, deposits(100))
  // Once for what is asked only the first time.
  await store.projections.runOnce({ batchSize: 100 })
  pool.take()
  await store.projections.runOnce({ batchSize: 100 })
  const { names } = pool.take()
  expect(names.filter((each) => each === 'begin' || each === 'commit')).toHaveLength(2)
  expect(names.slice(names.indexOf('begin'), names.indexOf('commit') + 1)).toEqual(wanted)
  await store.close()
})

test('only what is selected is read from the database', async () => {
  const pool = new SteppedPool(database.pool)
  const { store } = await openStore(pool, [kinds.collection.define({ prefix: 'a-' })])
  for (const stream of ['a-1', 'b-1']) await store.events.append(stream, [deposited(1), noted, closed])
  pool.take()
  await store.projections.runUntilIdle()
  const reads = pool.take().filter((sent) => operationOf(sent).startsWith('read_all'))
  expect(reads.length).toBeGreaterThan(0)
  for (const read of reads) {
    const { rows } = await database.query<{ stream_id: string; type: string }>(read.text, [...(read.values ?? [])])
    expect(rows.map(({ stream_id: id, type }) => [id, type])).toEqual([
      ['a-1', 'Deposited'],
      ['a-1', 'Closed'],
    ])
  }
  await store.close()
})

test('the next page is fetched while a batch is applied, and no batch is larger than told', async () => {
  const pool = new SteppedPool(database.pool)
  const sizes: number[] = []
  const { store } = await openStore(pool, [
    kinds.collection.define({ meet: (event) => void sizes.push(event.position) }),
  ])
  await store.events.append('a', deposits(20))
  pool.take()
  await store.projections.runUntilIdle({ batchSize: 5, retry: quick })
  const names = pool.take().map(operationOf)
  expect(names.filter((each) => each === 'limit_projection')).toHaveLength(4)
  expect(sizes).toEqual(sizes.toSorted((one, other) => one - other))
  expect(sizes).toHaveLength(20)
  await store.close()
})
