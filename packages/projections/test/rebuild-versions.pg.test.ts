import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test, vi } from 'vitest'
import { deposits, kinds } from './support/workers/accounts.js'
import { barrier } from './support/workers/barrier.js'
import { openStore, storeOn } from './support/workers/open-store.js'
import { recordingLogger } from './support/workers/recording-logger.js'
import { eager, startWorkers } from './support/workers/start-workers.js'
import { until } from './support/workers/until.js'

const database = useDatabase({ max: 24 })
vi.setConfig({ testTimeout: 120_000 })
const patient = { timeout: 60_000 }
const kind = kinds.collection

test('workers of newer code rebuild and take over; those of older code write nothing any more', async () => {
  const { logger, messages } = recordingLogger()
  const { store: old, schema } = await openStore(database.pool, [kind.define()])
  const newer = storeOn(database.pool, schema, [kind.define({ version: 2 })])
  await old.events.append('a', deposits(2))
  await using before = startWorkers(old)
  const { position: first } = await old.events.append('a', deposits(1))
  await old.projections.waitFor('accounts', first, patient)
  await using after = startWorkers(newer)
  // Whoever waits with the newer code waits for what the newer code makes.
  await newer.projections.waitFor('accounts', first, patient)
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 3, made: 2 } })
  const { position } = await old.events.append('b', deposits(1))
  await newer.projections.waitFor('accounts', position, patient)
  await before.stop()
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { made: 2 }, b: { total: 1, made: 2 } })
  // Nor do those that are started again.
  const again = storeOn(database.pool, schema, [kind.define()], { logger })
  await using late = startWorkers(again)
  await until(() => messages.length > 0)
  expect(messages).toEqual(['newer code has built a projection; this worker waits for nothing'])
  expect(await again.projections.status('accounts')).toMatchObject({ version: 2, defined: 1 })
  await Promise.all([after.stop(), late.stop()])
  await old.events.append('c', deposits(1))
  await again.projections.runOnce()
  expect(Object.keys(await kind.read(database.pool, schema))).toEqual(['a', 'b'])
  await Promise.all([old.close(), newer.close(), again.close()])
})

test('older code is refused a rebuild of what newer code has built, or is building', async () => {
  const step = barrier()
  const { store: old, schema } = await openStore(database.pool, [kinds.handler.define()])
  const newer = storeOn(database.pool, schema, [kinds.handler.define({ version: 2, meet: step.pass })])
  await old.events.append('a', deposits(3))
  await old.projections.runUntilIdle()
  const refused = { code: 'RebuildRefused', projection: 'accounts' }
  const rebuilding = newer.projections.rebuild('accounts', { lease: eager, batchSize: 1 })
  await step.reached
  await expect(old.projections.rebuild('accounts')).rejects.toMatchObject(refused)
  // Meanwhile older code goes on with what readers see.
  await old.events.append('a', deposits(1))
  await old.projections.runUntilIdle()
  expect(await kinds.handler.read(database.pool, schema)).toMatchObject({ a: { total: 4, made: 1 } })
  expect(await old.projections.status('accounts')).toMatchObject({
    version: 1,
    rebuild: { version: 2, state: 'active' },
  })
  step.open()
  await rebuilding
  await expect(old.projections.rebuild('accounts')).rejects.toMatchObject(refused)
  expect(await kinds.handler.read(database.pool, schema)).toMatchObject({ a: { total: 4, made: 2 } })
  await Promise.all([old.close(), newer.close()])
})

test('older workers leave a rebuild of newer code alone, and project on', async () => {
  const { store: old, schema } = await openStore(database.pool, [kind.define()])
  const newer = storeOn(database.pool, schema, [kind.define({ version: 2 })])
  await old.events.append('a', deposits(300))
  await old.projections.runUntilIdle()
  const ended = new AbortController()
  const left = newer.projections.rebuild('accounts', {
    batchSize: 50,
    signal: ended.signal,
    onProgress: ({ position }) => position > 0 && ended.abort(),
  })
  await expect(left).rejects.toMatchObject({ name: 'AbortError' })
  await using workers = startWorkers(old)
  const { position } = await old.events.append('a', deposits(1))
  await old.projections.waitFor('accounts', position, patient)
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 301, made: 1 } })
  expect(await old.projections.status('accounts')).toMatchObject({ version: 1, rebuild: { version: 2 } })
  await workers.stop()
  // Code that is newer still begins anew.
  const newest = storeOn(database.pool, schema, [kind.define({ version: 3 })])
  await newest.projections.runUntilIdle()
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 301, count: 301, made: 3 } })
  await expect(newer.projections.rebuild('accounts')).rejects.toMatchObject({ code: 'RebuildRefused' })
  await Promise.all([old.close(), newer.close(), newest.close()])
})

test('until idle rebuilds what is stored in an older version; once leaves it as it is', async () => {
  const { store: old, schema } = await openStore(database.pool, [kind.define()])
  const newer = storeOn(database.pool, schema, [kind.define({ version: 2 })])
  const { position } = await old.events.append('a', deposits(2))
  await old.projections.runUntilIdle()
  await newer.projections.runOnce()
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { made: 1 } })
  expect(await newer.projections.runUntilIdle()).toMatchObject([{ version: 2, position, lag: 0 }])
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 2, made: 2 } })
  await Promise.all([old.close(), newer.close()])
})

test('one that is paused stays so when it is rebuilt', async () => {
  const { store, schema } = await openStore(database.pool, [kind.define()])
  await store.events.append('a', deposits(2))
  await store.projections.pause('accounts')
  await store.projections.rebuild('accounts')
  expect(await kind.read(database.pool, schema)).toMatchObject({ a: { total: 2 } })
  expect(await store.projections.status('accounts')).toMatchObject({ state: 'paused' })
  await store.close()
})
