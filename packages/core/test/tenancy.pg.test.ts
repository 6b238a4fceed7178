import { createStore, UnknownTenantError, type Tenancy } from '@rillflow/core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { notes, notesTable } from './support/notes.js'
import { rejectionOf, thrownBy } from './support/thrown-by.js'
import { useNotes } from './support/use-notes.js'
import { watchPool } from './support/watched-client.js'

const on = useNotes()

const schemas: Readonly<Record<string, string>> = { a: 'tenant_a', b: 'tenant_b' }

/** A tenancy over two schemas, as somebody would write it by hand. */
const twoTenants: Tenancy<'perTenant'> = {
  mode: 'perTenant',
  resolve: async (tenant) => {
    await Promise.resolve()
    const schema = tenant === undefined || !Object.hasOwn(schemas, tenant) ? undefined : schemas[tenant]
    if (schema === undefined) throw new UnknownTenantError(tenant ?? '', `There is no tenant ${tenant}.`)
    return { schema, tenant }
  },
}

let sent: string[] = []
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  for (const schema of Object.values(schemas)) await on.database.query(notesTable(schema))
})
afterEach(async () => {
  sent = []
  for (const close of closing.splice(0)) await close()
  for (const schema of Object.values(schemas)) await on.database.query(`truncate ${schema}.notes`)
})

function tenantStore() {
  const pool = watchPool(on.pool(), (config) => {
    sent.push(config.text)
    return config
  })
  const store = createStore({ connection: { pool }, tenancy: twoTenants, modules: { notes: notes() } })
  closing.push(() => store.close())
  return store
}

async function idsOf(tenant: string): Promise<readonly string[]> {
  const { rows } = await on.database.query<{ id: string }>(`select id from ${schemas[tenant]}.notes order by id`)
  return rows.map(({ id }) => id)
}

describe('a store per tenant', () => {
  test('keeps tenants apart in every kind of call', async () => {
    const store = tenantStore()
    for (const tenant of ['a', 'b']) {
      await store.tenant(tenant).notes.add(`${tenant}-statement`, '')
      await store.transaction({ tenant }, (tx) => tx.notes.add(`${tenant}-transaction`, ''))
      await store.tenant(tenant).transaction((tx) => tx.notes.add(`${tenant}-own-transaction`, ''))
      const session = store.session({ tenant })
      session.notes.add(`${tenant}-session`, '')
      await session.saveChanges()
    }

    for (const tenant of ['a', 'b']) {
      const own = ['own-transaction', 'session', 'statement', 'transaction'].map((kind) => `${tenant}-${kind}`)
      expect(await idsOf(tenant)).toEqual(own)
      expect((await store.tenant(tenant).notes.all()).map(({ id }) => id)).toEqual(own)
    }
  })

  test('joins the transaction of the caller', async () => {
    const client = await on.client()
    await client.query('begin')
    await tenantStore().transaction({ tenant: 'a', client }, (tx) => tx.notes.add('joined', ''))
    await client.query('commit')

    expect(await idsOf('a')).toEqual(['joined'])
    expect(await idsOf('b')).toEqual([])
  })

  test.each(['c', 'A', 'tenant_a', '__proto__', "a'; drop schema tenant_a cascade; --"])(
    'refuses the unknown tenant %s before any statement',
    async (tenant) => {
      const store = tenantStore()
      const session = store.session({ tenant })
      session.notes.add('x', '')
      const client = await on.client()
      const calls = [
        store.tenant(tenant).notes.add('x', ''),
        store.tenant(tenant).notes.together((tx) => tx.add('x', '')),
        store.transaction({ tenant }, (tx) => tx.notes.add('x', '')),
        store.transaction({ tenant, client }, (tx) => tx.notes.add('x', '')),
        session.saveChanges(),
      ]

      for (const call of calls) expect(await rejectionOf(call)).toMatchObject({ code: 'UnknownTenant', tenant })
      expect(sent).toEqual([])
      expect(session.pending).toBe(1)
    },
  )

  test.each(['', undefined, null, 7])('refuses %j as a name', async (name) => {
    const store = tenantStore()
    const tenant = name as string

    expect(thrownBy(() => store.tenant(tenant))).toMatchObject({ code: 'InvalidArgument', argument: 'tenant' })
    expect(thrownBy(() => store.session({ tenant }))).toMatchObject({ code: 'InvalidArgument' })
    expect(await rejectionOf(store.transaction({ tenant }, async () => Promise.resolve()))).toMatchObject({
      code: 'InvalidArgument',
    })
    expect(sent).toEqual([])
  })

  test('carries withContext into the calls of a tenant', async () => {
    const store = tenantStore()
    await store.withContext({ correlationId: 'c-1' }, () => store.tenant('a').notes.add('x', ''))

    expect(await store.tenant('a').notes.all()).toMatchObject([{ correlationId: 'c-1' }])
  })
})
