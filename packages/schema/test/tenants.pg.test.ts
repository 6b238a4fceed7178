import { createStore, UnknownTenantError, type Tenancy } from '@rillflow/core'
import { useDatabase } from '@rillflow/testing/vitest'
import { expect, test } from 'vitest'
import { plan, status, sync } from '../src/index.js'
import { tags } from './support/components.js'
import { moduleOf } from './support/test-store.js'

const database = useDatabase()

const tenancy: Tenancy<'perTenant'> = {
  mode: 'perTenant',
  resolve(tenant) {
    if (tenant !== 'acme') throw new UnknownTenantError(String(tenant), 'There is only acme.')
    return { schema: 'tenant_acme', tenant }
  },
}

test('a store of many tenants names the one that is meant', async () => {
  const store = createStore({ connection: { pool: database.pool }, tenancy, modules: { tags: moduleOf(tags) } })
  expect(await plan(store, { tenant: 'acme' })).toMatchObject({ schema: 'tenant_acme', tenant: 'acme' })
  expect(await sync(store, { tenant: 'acme' })).toMatchObject({ schema: 'tenant_acme', tenant: 'acme' })
  expect(await status(store, { tenant: 'acme' })).toMatchObject({ tenant: 'acme', upToDate: true })
  await expect(sync(store, { tenant: 'other' })).rejects.toMatchObject({ code: 'UnknownTenant', tenant: 'other' })
  await expect(sync(store)).rejects.toMatchObject({ code: 'UnknownTenant' })
})
