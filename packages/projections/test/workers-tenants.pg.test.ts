import { useDatabase } from '@rillflow/testing/vitest'
import { describe, expect, test, vi } from 'vitest'
import { deposits, kindNames, kinds } from './support/workers/accounts.js'
import { openStore } from './support/workers/open-store.js'
import { startWorkers } from './support/workers/start-workers.js'

const database = useDatabase({ max: 24 })
vi.setConfig({ testTimeout: 120_000 })

describe.each(kindNames)('%s', (name) => {
  const kind = kinds[name]

  test('two schemas side by side never mix, in workers, controls and rebuilds', async () => {
    const list = [kind.define()]
    const one = await openStore(database.pool, list)
    const two = await openStore(database.pool, list)
    const reads = () => Promise.all([one, two].map(({ schema }) => kind.read(database.pool, schema)))
    await using first = startWorkers(one.store)
    await using second = startWorkers(two.store)
    const [{ position: a }, { position: b }] = await Promise.all([
      one.store.events.append('a', deposits(3)),
      two.store.events.append('a', deposits(7)),
    ])
    await one.store.projections.waitFor('accounts', a, { timeout: 60_000 })
    await two.store.projections.waitFor('accounts', b, { timeout: 60_000 })
    await one.store.projections.pause('accounts')
    const { position } = await two.store.events.append('a', deposits(1))
    await two.store.projections.waitFor('accounts', position, { timeout: 60_000 })
    expect(await reads()).toMatchObject([{ a: { total: 3 } }, { a: { total: 8 } }])
    await Promise.all([one.store.projections.rebuild('accounts'), two.store.projections.rebuild('accounts')])
    expect(await reads()).toMatchObject([{ a: { total: 3, count: 3 } }, { a: { total: 8, count: 8 } }])
    expect(await one.store.projections.status('accounts')).toMatchObject({ state: 'paused', position: a })
    expect(await two.store.projections.status('accounts')).toMatchObject({ state: 'active', position })
    await Promise.all([first.stop(), second.stop()])
    await Promise.all([one.store.close(), two.store.close()])
  })
})
