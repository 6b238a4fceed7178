import { upcaster } from '@rillflow/events'
import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test, vi } from 'vitest'
import { deposited, deposits, kindNames, kinds, type AccountsOptions, type Kind } from './support/workers/accounts.js'
import { openStore, storeOn, type AccountStore } from './support/workers/open-store.js'
import { recordingLogger } from './support/workers/recording-logger.js'
import { quick, startWorkers } from './support/workers/start-workers.js'
import { until } from './support/workers/until.js'

const database = useDatabase({ max: 16 })
vi.setConfig({ testTimeout: 120_000 })

/** One way in which an event cannot be projected. */
interface Poison {
  /** The event, by which `meet` knows it too. */
  readonly event: ReturnType<typeof deposited>
  readonly meet?: AccountsOptions['meet']
  readonly only?: keyof typeof kinds
  /** What is kept of the error. */
  readonly error: RegExp
  readonly timeout?: number
}

const poisoned = 666
const isPoison = ({ data }: { readonly data: unknown }): boolean =>
  (data as { readonly amount?: unknown }).amount === poisoned

const ways: Readonly<Record<string, Poison>> = {
  'a handler that throws': {
    event: deposited(poisoned),
    meet: (event) => {
      if (isPoison(event)) throw new Error('poison')
    },
    error: /its handler threw/,
  },
  'an SQL error in a handler': {
    event: deposited(poisoned),
    meet: (event, tx) => isPoison(event) && tx?.query('select 1 / 0'),
    only: 'handler',
    error: /its handler threw/,
  },
  'an SQL error that a handler swallows': {
    event: deposited(poisoned),
    meet: (event, tx) => isPoison(event) && tx?.query('select 1 / 0').catch(() => undefined),
    only: 'handler',
    error: /its handler threw|transaction failed/,
  },
  'a handler that never ends': {
    event: deposited(poisoned),
    meet: (event) => (isPoison(event) ? new Promise(() => undefined) : undefined),
    only: 'handler',
    error: /not done within/,
    timeout: 1_000,
  },
  'a statement that takes too long': {
    event: deposited(poisoned),
    meet: (event, tx) => isPoison(event) && tx?.query('select pg_sleep(3600)'),
    only: 'handler',
    error: /not done within|was cancelled/,
    timeout: 1_000,
  },
  'a unique violation': { event: deposited(poisoned, { tag: 'taken' }), error: /./ },
  'a result that does not fit': {
    event: { type: 'Deposited', data: { amount: 'much' as unknown as number } },
    error: /./,
  },
}

const cases = Object.entries(ways).flatMap(([way, poison]) =>
  kindNames.filter((kind) => (poison.only ?? kind) === kind).map((kind) => [way, kind, poison] as const),
)

/** Streams around a poison: in it before and behind it, and beside it. */
async function appendAround(store: AccountStore, poison: Poison) {
  await store.events.append('other', [deposited(1, { tag: 'taken' })])
  await store.events.append('bad', deposits(3))
  const { position } = await store.events.append('bad', [poison.event])
  await store.events.append('other', deposits(3))
  await store.events.append('bad', deposits(2, 10))
  const { position: last } = await store.events.append('other', deposits(1))
  return { position, last }
}

describe.each(cases)('%s: %s', (_, kindName, poison) => {
  const kind: Kind = kinds[kindName]
  const patience = { timeout: poison.timeout ?? 60_000, retry: { attempts: 2, delay: 1 } }

  test.each(poison.timeout === undefined ? [2, 1000] : [1000])(
    'is parked with its stream, and the rest flows on, in batches of %i',
    async (batchSize) => {
      const { store, schema } = await openStore(database.pool, [kind.define({ meet: poison.meet })])
      const { position, last } = await appendAround(store, poison)
      await store.projections.runUntilIdle({ ...patience, batchSize })
      expect(await kind.read(database.pool, schema)).toMatchObject({
        bad: { total: 3, count: 3 },
        other: { total: 5, count: 5 },
      })
      const letters = await store.projections.deadLetters.list('accounts')
      expect(letters).toMatchObject([
        { position, parks: true, waiting: false, attempts: 2, streamId: 'bad', type: 'Deposited' },
        { position: position + 4, parks: true, waiting: true, attempts: 0, error: undefined },
        { position: position + 5, parks: true, waiting: true, attempts: 0, error: undefined },
      ])
      expect(letters[0]?.error?.message).toMatch(poison.error)
      expect(await store.projections.status('accounts')).toMatchObject({
        position: last,
        state: 'active',
        deadLetters: { failed: 1, waiting: 2 },
      })
      await store.close()
    },
  )

  // Waiting for the time to pass once is enough.
  if (poison.timeout !== undefined) return

  test('alone is a dead letter, when so told', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define({ meet: poison.meet })])
    const { position } = await appendAround(store, poison)
    await store.projections.runUntilIdle({ ...patience, onFailure: 'deadLetter' })
    expect(await kind.read(database.pool, schema)).toMatchObject({
      bad: { total: 23, count: 5 },
      other: { total: 5, count: 5 },
    })
    expect(await store.projections.deadLetters.list()).toMatchObject([{ position, parks: false, waiting: false }])
    await store.close()
  })

  test('stops the projection before it, when so told', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define({ meet: poison.meet })])
    const { position, last } = await appendAround(store, poison)
    const stop = { ...patience, onFailure: 'stop' } as const
    await expect(store.projections.runUntilIdle(stop)).rejects.toMatchObject({ code: 'ConsumerStopped', position })
    expect(await kind.read(database.pool, schema)).toMatchObject({ bad: { total: 3 }, other: { total: 1 } })
    expect(await store.projections.status('accounts')).toMatchObject({ position: position - 1, state: 'stopped' })
    expect(await store.projections.deadLetters.list()).toEqual([])
    await store.projections.resume('accounts')
    await store.projections.runUntilIdle(patience)
    expect(await store.projections.status('accounts')).toMatchObject({ position: last, state: 'active' })
    await store.close()
  })
})

test('an event that cannot be read is parked by its stream, and read again with each attempt', async () => {
  const { store: writer, schema } = await openStore(database.pool, [kinds.collection.define()])
  await writer.events.append('good', deposits(1))
  const { position } = await writer.events.append('bad', deposits(2))
  await writer.events.append('good', deposits(1))
  let reads = 0
  const store = storeOn(database.pool, schema, [kinds.collection.define()], {
    events: {
      upcasters: [
        upcaster({
          from: ['Deposited', 1],
          to: ['Deposited', 2],
          upcast: (data: object, { position: at }) => {
            if (at !== position - 1) return data
            reads += 1
            throw new Error('it cannot be read')
          },
        }),
      ],
    },
  })
  await store.projections.runUntilIdle({ retry: quick })
  expect(await kinds.collection.read(database.pool, schema)).toMatchObject({ good: { total: 2 } })
  expect(await store.projections.deadLetters.list()).toMatchObject([
    { position: position - 1, attempts: 3, waiting: false, error: { code: 'UpcastFailed' } },
    { position, waiting: true },
  ])
  expect(reads).toBeGreaterThanOrEqual(3)
  // Code that can read it takes it up again.
  await writer.projections.deadLetters.requeueAll('accounts')
  await writer.projections.runUntilIdle()
  expect(await kinds.collection.read(database.pool, schema)).toMatchObject({ bad: { total: 2 } })
  await Promise.all([store.close(), writer.close()])
})

test('attempts and the pause before the next one outlast a restart', async () => {
  const met: number[] = []
  const meet: AccountsOptions['meet'] = ({ position }) => {
    met.push(position)
    throw new Error('poison')
  }
  const { store, schema } = await openStore(database.pool, [kinds.handler.define({ meet })])
  const { position } = await store.events.append('bad', deposits(1))
  const retry = { attempts: 3, delay: 3_600_000, maxDelay: 3_600_000 }
  const first = startWorkers(store, { retry })
  await until(async () => (await store.projections.status('accounts')).failing !== undefined)
  await first.stop()
  const stopped = await store.projections.status('accounts')
  expect(stopped).toMatchObject({ failing: { position, attempts: 1 }, worker: undefined, position: 0 })
  expect(stopped.failing?.wait).toBeGreaterThan(2_000_000)
  expect(met).toEqual([position])
  // Whoever takes it up waits, and does not try at once: behind what it reads first there is nothing but that.
  const second = startWorkers(store, { retry })
  await until(async () => (await store.projections.status('accounts')).worker !== undefined)
  await store.projections.pause('accounts')
  await second.stop()
  expect(met).toEqual([position])
  // When the pause is over, the attempts that are left are made, and not as many as at first.
  await database.query(`update ${schema}.consumers set status = 'active', backoff_until = now()`)
  await store.projections.runUntilIdle({ retry: quick })
  expect(met).toEqual([position, position, position])
  expect(await store.projections.deadLetters.list()).toMatchObject([{ position, attempts: 3 }])
  await store.close()
})

test('a projection of a table that is not there ends no other one, and puts nothing aside', async () => {
  const { logger, messages } = recordingLogger()
  const meet: AccountsOptions['meet'] = (event) => {
    if (isPoison(event)) throw new Error('poison')
  }
  const list = [
    kinds.collection.define({ name: 'one' }),
    kinds.collection.define({ name: 'two', meet }),
    kinds.table.define({ name: 'gone' }),
    kinds.handler.define({ name: 'lost' }),
  ]
  const { store, schema } = await openStore(database.pool, list, { logger })
  await database.query(`drop table ${schema}.gone, ${schema}.lost`)
  await using workers = startWorkers(store, { onFailure: 'stop' })
  await store.events.append('a', deposits(1))
  await store.events.append('a', [deposited(poisoned)])
  await until(async () => (await store.projections.status('two')).state === 'stopped')
  const interrupted = 'a projection was interrupted; it is tried again'
  await until(() => messages.filter((message) => message === interrupted).length >= 2)
  const { position } = await store.events.append('a', deposits(1))
  await store.projections.waitFor('one', position, { timeout: 60_000 })
  for (const name of ['gone', 'lost']) {
    expect(await store.projections.status(name)).toMatchObject({ state: 'active', position: 0 })
  }
  expect(await store.projections.deadLetters.list()).toEqual([])
  expect(messages).toContain('a projection stopped; it goes on when it is resumed')
  await workers.stop()
  for (const name of ['gone', 'lost']) {
    await expect(store.projections.runUntilIdle({ only: [name] })).rejects.toBeInstanceOf(Error)
  }
})
