import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test, vi } from 'vitest'
import { deposits, kindNames, kinds, type AccountsOptions } from './support/workers/accounts.js'
import { barrier } from './support/workers/barrier.js'
import { openStore, storeOn } from './support/workers/open-store.js'
import { brief, eager, startWorkers } from './support/workers/start-workers.js'
import { SteppedPool } from './support/workers/stepped-pool.js'
import { until } from './support/workers/until.js'

const database = useDatabase({ max: 24 })
vi.setConfig({ testTimeout: 120_000 })
const patient = { timeout: 60_000 }

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('two processes run it, and each event counts once', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    const other = storeOn(database.pool, schema, [kind.define()])
    let total = 0
    await using one = startWorkers(store, { batchSize: 3 })
    await using two = startWorkers(other, { batchSize: 4 })
    for (let n = 1; n <= 30; n += 1) {
      await store.events.append(`a-${n % 2}`, deposits(2))
      total += 2
      // The one that works ends, and the other takes over.
      if (n === 10) await one.stop()
    }
    const { position } = await store.events.append('a-0', deposits(1))
    await store.projections.waitFor('accounts', position, patient)
    const { 'a-0': even, 'a-1': odd } = await kind.read(database.pool, schema)
    expect((even?.total ?? 0) + (odd?.total ?? 0)).toBe(total + 1)
    await two.stop()
    await other.close()
    await store.close()
  })

  test('whoever takes over when a lease has ended by itself undoes nothing, and is undone by nobody', async () => {
    const { store, schema } = await openStore(database.pool, [kind.define()])
    const step = barrier()
    const now = { isHeld: true, met: 0 }
    const meet: AccountsOptions['meet'] = async () => {
      now.met += 1
      // With the row of the first event in its transaction.
      if (now.isHeld && now.met === 2) await step.pass()
    }
    const pool = new SteppedPool(database.pool)
    const zombie = storeOn(pool, schema, [kind.define({ meet: name === 'handler' ? meet : undefined })])
    const atCheckpoint = name === 'handler' ? undefined : pool.step('advance_checkpoint')
    const { position } = await store.events.append('a', deposits(5))
    pool.lose('renew_leases')
    await using dead = startWorkers(zombie, { lease: brief, timeout: 3_600_000 })
    await (atCheckpoint ?? step).reached
    now.isHeld = false
    await using alive = startWorkers(store, { lease: { duration: 60_000, poll: 20 } })
    // A handler that has lost its lease is given up at once, and its transaction with the rows that it holds; one that is at
    // its checkpoint finds out there.
    if (name === 'handler') await store.projections.waitFor('accounts', position, patient)
    else await until(async () => (await ownerOf(schema)) === 60)
    step.open()
    atCheckpoint?.open()
    await store.projections.waitFor('accounts', position, patient)
    expect(await kind.read(database.pool, schema)).toEqual({ a: { total: 5, count: 5, made: 1, tag: null } })
    await dead.stop()
    expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 5, count: 5 } })
    expect(await store.projections.status('accounts')).toMatchObject({ position, deadLetters: { failed: 0 } })
    await alive.stop()
    await zombie.close()
  })
})

/** How long the lease lasts that somebody has, in rough seconds. */
async function ownerOf(schema: string): Promise<number> {
  const { rows } = await database.query<{ seconds: number }>(
    `select case when lease_until > now() + interval '30 s' then 60 else 0 end as seconds from ${schema}.consumers`,
  )
  return rows[0]?.seconds ?? 0
}

test('a worker that ends lets go of its lease, and the next one need not wait for its end', async () => {
  const { store } = await openStore(database.pool, [kinds.collection.define()])
  const first = startWorkers(store, { lease: { duration: 3_600_000, poll: 10 } })
  await until(async () => (await store.projections.status('accounts')).worker !== undefined)
  const { worker } = await store.projections.status('accounts')
  await first.stop()
  expect(await store.projections.status('accounts')).toMatchObject({ worker: undefined })
  await using second = startWorkers(store, { lease: eager })
  const { position } = await store.events.append('a', deposits(1))
  await store.projections.waitFor('accounts', position, patient)
  const taken = await store.projections.status('accounts')
  expect(taken.worker).toEqual(expect.any(String))
  expect(taken.worker).not.toBe(worker)
  await second.stop()
})

test('a lease is kept for as long as its worker lives, whatever a batch takes', async () => {
  const step = barrier()
  const { store, schema } = await openStore(database.pool, [kinds.handler.define({ meet: step.pass })])
  const { position } = await store.events.append('a', deposits(1))
  await using workers = startWorkers(store, { lease: { duration: 3_000, poll: 20 } })
  await step.reached
  const { worker } = await store.projections.status('accounts')
  const until1 = await leaseUntil(schema)
  // Its end has moved more than once while the handler was at work.
  await until(async () => (await leaseUntil(schema)) > until1 + 1_500)
  expect(await store.projections.status('accounts')).toMatchObject({ worker })
  step.open()
  await store.projections.waitFor('accounts', position, patient)
  expect(await store.projections.status('accounts')).toMatchObject({ worker })
  await workers.stop()
})

async function leaseUntil(schema: string): Promise<number> {
  const { rows } = await database.query<{ end: number }>(
    `select extract(epoch from lease_until)::float8 * 1000 as end from ${schema}.consumers`,
  )
  return rows[0]?.end ?? 0
}
