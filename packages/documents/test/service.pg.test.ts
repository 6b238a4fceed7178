import { createStore, moduleContract, singleTenant, typed, type Module, type TransactionScope } from '@rillflow/core'
import { defineCollection, documents, documentsModule, index, type DocumentsService } from '@rillflow/documents'
import { sync } from '@rillflow/schema'
import { useDatabase } from '@rillflow/testing/vitest'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'

const database = useDatabase({ max: 6 })

interface ProbeShape {
  readonly store: DocumentsService
  readonly transaction: { readonly scope: TransactionScope; readonly service: DocumentsService }
  readonly session: undefined
  readonly saved: undefined
}

/** A module that builds on documents. */
const probe: Module<ProbeShape> = {
  name: 'probe',
  contract: moduleContract,
  requires: [documentsModule],
  components: [],
  install: () => ({
    store: (_, siblings) => siblings.find(documentsModule).service,
    transaction: (scope, siblings) => ({ scope, service: siblings.find(documentsModule).service }),
  }),
}

const schema = 'lent'
const Customers = defineCollection('customers', {
  schema: z.object({ id: z.string(), email: z.string(), tier: z.string().default('free') }),
  indexes: [index('email', { unique: true })],
})
const Others = defineCollection('others', { schema: typed<{ id: string }>() })
const makeStore = () =>
  createStore({
    connection: { pool: { connect: () => database.pool.connect() } },
    tenancy: singleTenant({ schema }),
    modules: { probe, docs: documents({ customers: Customers, others: Others }) },
  })

let store: ReturnType<typeof makeStore>
beforeEach(async () => {
  store = makeStore()
  await database.query(`drop schema if exists ${schema} cascade`)
  await sync(store)
})

const at = { collection: 'customers', stored: 'customers' }
const body = (id: string, email = `${id}@x.io`) => ({ id, json: JSON.stringify({ id, email, tier: 'pro' }) })

/** Writes in a transaction of its own. */
function write(puts: ReturnType<typeof body>[], deletes: readonly string[] = [], stored = 'customers'): Promise<void> {
  return store.transaction(({ probe: { service, scope } }) => service.write(scope, { ...at, stored, puts, deletes }))
}

test('it knows the collections, and what their schemas make of a document', async () => {
  const service = store.probe
  expect(['customers', 'others', 'nobody'].map((name) => service.has(name))).toEqual([true, true, false])
  expect(service.validate('customers', 'a', { id: 'a', email: 'e' })).toEqual({ id: 'a', email: 'e', tier: 'free' })
  expect(() => service.validate('customers', 'a', { id: 'a' })).toThrow(/document "a" of "customers" does not fit/)
})

test('puts replace whatever was there, and deletes are for good', async () => {
  await store.docs.customers.put({ id: 'a', email: 'old' })
  await store.docs.customers.put({ id: 'b', email: 'gone' })
  await store.docs.customers.delete('b')
  await store.docs.customers.put({ id: 'c', email: 'c' })
  await write([body('a'), body('b'), body('d')], ['c', 'nobody'])
  expect(await store.docs.customers.getStored('a')).toMatchObject({ version: 2, doc: { email: 'a@x.io' } })
  expect(await store.docs.customers.getStored('b')).toMatchObject({ version: 3, deletedAt: undefined })
  expect(await store.docs.customers.getStored('c')).toBeUndefined()
  expect(await store.docs.customers.getStored('d')).toMatchObject({ version: 1 })
})

test('it leaves no mark of an earlier write: that would take the new version for its own', async () => {
  await store.docs.customers.put({ id: 'a', email: 'old' })
  await write([body('a')])
  expect((await database.query(`select write_id from ${schema}.docs`)).rows).toEqual([{ write_id: null }])
})

test('a unique value may pass from one that is removed to another', async () => {
  await write([body('a', 'same')])
  await write([body('b', 'same')], ['a'])
  await expect(write([body('c', 'same')])).rejects.toMatchObject({ code: 'UniqueConflict', fields: ['email'] })
})

test('more than a statement takes, by id, and those that are not there left out', async () => {
  const ids = Array.from({ length: 2_300 }, (_, n) => `{"${n}'\\`)
  await write(ids.map((id) => body(id)))
  await store.docs.customers.delete(ids[7] as string)
  await store.transaction(async ({ probe: { service, scope } }) => {
    for (const hold of [true, false]) {
      const found = await service.load(scope, { ...at, ids: [...ids, 'nobody'], hold })
      expect([...found.keys()].toSorted()).toEqual(ids.filter((_, n) => n !== 7).toSorted())
      expect(found.get(ids[9] as string)).toEqual(JSON.parse(body(ids[9] as string).json))
    }
  })
})

test('what is held cannot be written by others, what is not can', async () => {
  await write([body('a'), body('b')])
  await store.transaction(async ({ probe: { service, scope } }) => {
    await service.load(scope, { ...at, ids: ['a'], hold: true })
    await service.load(scope, { ...at, ids: ['b'], hold: false })
    const client = await database.pool.connect()
    try {
      await client.query(`set lock_timeout = '50ms'`)
      await client.query(`update ${schema}.docs set version = 9 where id = 'b'`)
      await expect(client.query(`update ${schema}.docs set version = 9 where id = 'a'`)).rejects.toMatchObject({
        code: '55P03',
      })
    } finally {
      await client.query('reset lock_timeout')
      client.release()
    }
  })
})

test('a shadow is out of sight', async () => {
  const stored = store.probe.shadowOf('customers')
  await write([body('a')], [], stored)
  expect(await store.docs.customers.get('a')).toBeUndefined()
  const loaded = await store.transaction(({ probe: { service, scope } }) =>
    service.load(scope, { ...at, stored, ids: ['a'], hold: true }),
  )
  expect([...loaded.keys()]).toEqual(['a'])
})
