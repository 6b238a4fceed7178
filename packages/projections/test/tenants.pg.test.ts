import { createStore, singleTenant, UnknownTenantError, type Tenancy } from '@rillflow/core'
import { documents } from '@rillflow/documents'
import { events } from '@rillflow/events'
import { projections } from '@rillflow/projections'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { added, families, tallies, Tallies, tallyRows } from './support/tally.js'

const database = useDatabase({ max: 8 })

const perTenant: Tenancy<'perTenant'> = {
  mode: 'perTenant',
  resolve: (tenant = '') => {
    if (!['one', 'two'].includes(tenant)) throw new UnknownTenantError(tenant, 'no such tenant')
    return { schema: `tenant_${tenant}`, tenant }
  },
}

test('each tenant has read models of its own, and each event is projected once', async () => {
  const pool = { connect: () => database.pool.connect() }
  const modules = {
    projections: projections([tallies('inline'), tallyRows('inline')]),
    docs: documents({ tallies: Tallies }),
    events: events(families, { wakeUps: false }),
  }
  for (const schema of ['tenant_one', 'tenant_two'])
    await sync(createStore({ connection: { pool }, tenancy: singleTenant({ schema }), modules }))

  const store = createStore({ connection: { pool }, tenancy: perTenant, modules })
  for (const [tenant, n] of [
    ['one', 1],
    ['two', 2],
    ['one', 4],
  ] as const) {
    await store.tenant(tenant).events.append('s', [added(n)])
    const session = store.session({ tenant })
    session.events.append('s', [added(n * 10)])
    await session.saveChanges()
    await store.transaction({ tenant }, (tx) => tx.events.append('s', [added(n * 100)]))
  }
  expect(await store.tenant('one').docs.tallies.getStored('s')).toMatchObject({ doc: { sum: 555 }, version: 6 })
  expect(await store.tenant('two').docs.tallies.getStored('s')).toMatchObject({ doc: { sum: 222 }, version: 3 })
  const { rows } = await database.query(
    'select sum from tenant_one.tally_rows union all select sum from tenant_two.tally_rows',
  )
  expect(rows).toEqual([{ sum: 555 }, { sum: 222 }])
})
