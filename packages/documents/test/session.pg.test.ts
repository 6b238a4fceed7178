import { createStore, typed } from '@rillflow/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineCollection, documents, index, oneOf } from '../src/index.js'
import { blocked } from './support/blocked.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

const Customer = defineCollection('customers', {
  schema: z.object({ id: z.string(), email: z.string(), tier: z.enum(['free', 'pro']).default('free') }),
  indexes: [index('email', { unique: true })],
})
const Order = defineCollection('orders', { schema: typed<{ id: string; total: number }>() })
const Checked = defineCollection('checked', {
  schema: z.object({ id: z.string(), ok: z.boolean() }).refine(async ({ ok }) => ok, 'not ok'),
})
const fixture = useDocuments({ customers: Customer, orders: Order, checked: Checked })

const customer = (id: string): { id: string; email: string } => ({ id, email: `${id}@x.io` })

describe('load', () => {
  test('gives the same object each time, and reads once', async () => {
    await fixture.store.docs.customers.put(customer('l-1'))
    const { customers } = fixture.store.session().docs
    const [one, two] = await Promise.all([customers.load('l-1'), customers.load('l-1')])
    expect(one).toEqual({ ...customer('l-1'), tier: 'free' })
    expect(two).toBe(one)
    await fixture.store.docs.customers.put({ ...customer('l-1'), tier: 'pro' })
    expect(await customers.load('l-1')).toBe(one)
  })

  test('missing and deleted are undefined, and stay so', async () => {
    await fixture.store.docs.customers.put(customer('l-2'))
    await fixture.store.docs.customers.delete('l-2')
    const { customers } = fixture.store.session().docs
    expect(await customers.load('l-2')).toBeUndefined()
    expect(await customers.load('l-3')).toBeUndefined()
    await fixture.store.docs.customers.put(customer('l-3'))
    expect(await customers.load('l-3')).toBeUndefined()
  })

  test('sees what is staged', async () => {
    await fixture.store.docs.customers.put(customer('l-4'))
    const { customers } = fixture.store.session().docs
    customers.store({ ...customer('l-4'), tier: 'pro' })
    expect(await customers.load('l-4')).toMatchObject({ tier: 'pro' })
    customers.delete('l-4')
    expect(await customers.load('l-4')).toBeUndefined()
  })

  test('one collection does not see the ids of another', async () => {
    const session = fixture.store.session()
    session.docs.orders.store({ id: 'same', total: 1 })
    expect(await session.docs.customers.load('same')).toBeUndefined()
  })

  test('work staged while the document is on its way wins', async () => {
    await fixture.store.docs.customers.put(customer('l-5'))
    const { customers } = fixture.store.session().docs
    const loading = customers.load('l-5')
    customers.store({ ...customer('l-5'), tier: 'pro' })
    expect(await loading).toMatchObject({ tier: 'pro' })
  })

  test('a load that fails is not remembered', async () => {
    await using store = createStore({
      connection: { url: fixture.database.url.replace(/\/[^/]*$/, '/no_such_database') },
      modules: { docs: documents({ customers: Customer }) },
    })
    const { customers } = store.session().docs
    const first = await errorOf(customers.load('x'))
    expect(await errorOf(customers.load('x'))).not.toBe(first)
  })
})

describe('saveChanges', () => {
  test('writes what was staged, in one transaction, and tells the versions', async () => {
    await fixture.store.docs.customers.put(customer('s-2'))
    await fixture.store.docs.orders.put({ id: 's-3', total: 1 })
    const session = fixture.store.session()
    session.docs.orders.delete('s-3')
    session.docs.customers.store(customer('s-2'))
    session.docs.customers.store(customer('s-1'))
    expect(session.pending).toBe(3)
    expect((await session.saveChanges()).docs).toEqual([
      { collection: 'customers', id: 's-1', version: 1 },
      { collection: 'customers', id: 's-2', version: 2 },
      { collection: 'orders', id: 's-3', version: 2 },
    ])
    expect(session.pending).toBe(0)
    const { rows } = await fixture.database.query<{ transactions: number }>(
      "select count(distinct xmin::text)::int as transactions from rillflow.docs where id in ('s-1', 's-2', 's-3')",
    )
    expect(rows).toEqual([{ transactions: 1 }])
  })

  test('with nothing staged writes nothing', async () => {
    expect((await fixture.store.session().saveChanges()).docs).toEqual([])
  })

  test('expects the version that was loaded', async () => {
    await fixture.store.docs.customers.put(customer('s-4'))
    const session = fixture.store.session()
    const loaded = await session.docs.customers.load('s-4')
    await fixture.store.docs.customers.put(customer('s-4'))
    session.docs.customers.store({ ...customer('s-4'), ...loaded, tier: 'pro' })
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'VersionConflict', expected: 1, actual: 2 })
  })

  test('expects that what was loaded as missing is still missing', async () => {
    const session = fixture.store.session()
    await session.docs.customers.load('s-5')
    await fixture.store.docs.customers.put(customer('s-5'))
    session.docs.customers.store(customer('s-5'))
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'VersionConflict', expected: 0, actual: 1 })
    session.docs.customers.delete('s-5')
    expect(session.pending).toBe(0)
  })

  test.each([
    ['is there after all', false, { code: 'VersionConflict', expected: 0, actual: 1 }],
    ['is deleted', true, { code: 'DocumentDeleted' }],
  ])('deleting what was loaded as missing and %s is refused', async (_what, gone, error) => {
    const id = `s-6 ${gone}`
    const session = fixture.store.session()
    await session.docs.customers.load(id)
    await fixture.store.docs.customers.put(customer(id))
    if (gone) await fixture.store.docs.customers.delete(id)
    session.docs.customers.delete(id)
    expect(await errorOf(session.saveChanges())).toMatchObject(error)
  })

  test('builds on its own versions: the session goes on after a save', async () => {
    const session = fixture.store.session()
    session.docs.customers.store(customer('s-7'), { expected: 0 })
    await session.saveChanges()
    const saved = await session.docs.customers.load('s-7')
    expect(saved).toMatchObject({ tier: 'free' })
    session.docs.customers.store({ ...customer('s-7'), tier: 'pro' })
    expect((await session.saveChanges()).docs).toMatchObject([{ version: 2 }])
    session.docs.customers.delete('s-7')
    expect((await session.saveChanges()).docs).toMatchObject([{ version: 3 }])
    expect(await session.docs.customers.load('s-7')).toBeUndefined()
    session.docs.customers.store(customer('s-7'))
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'DocumentDeleted' })
  })

  test('an expected version outlives a second store of the same document', async () => {
    await fixture.store.docs.customers.put(customer('s-8'))
    const session = fixture.store.session()
    session.docs.customers.store(customer('s-8'), { expected: 7 })
    session.docs.customers.store({ ...customer('s-8'), tier: 'pro' })
    expect(session.pending).toBe(1)
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'VersionConflict', expected: 7, actual: 1 })
  })

  test('what is stored is the document as it was then', async () => {
    const session = fixture.store.session()
    const order = { id: 's-9', total: 1 }
    session.docs.orders.store(order)
    order.total = 2
    await session.saveChanges()
    expect(await fixture.store.docs.orders.get('s-9')).toEqual({ id: 's-9', total: 1 })
  })

  test('after a failure everything is still staged, and a retry succeeds', async () => {
    await fixture.store.docs.customers.put({ id: 'taken', email: 'f-1@x.io' })
    const session = fixture.store.session()
    session.docs.orders.store({ id: 'f-2', total: 5 })
    session.docs.customers.store(customer('f-1'))
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'UniqueConflict', fields: ['email'] })
    expect(session.pending).toBe(2)
    expect(await fixture.store.docs.orders.get('f-2')).toBeUndefined()
    await fixture.store.docs.customers.put({ id: 'taken', email: 'other@x.io' })
    expect((await session.saveChanges()).docs).toHaveLength(2)
    expect(session.pending).toBe(0)
    expect(await fixture.store.docs.orders.get('f-2')).toEqual({ id: 'f-2', total: 5 })
  })

  test('what is staged during a save stays, and builds on it', async () => {
    await fixture.store.docs.customers.put(customer('d-1'))
    const session = fixture.store.session()
    session.docs.customers.store({ ...customer('d-1'), tier: 'pro' }, { expected: 1 })
    const holder = await fixture.database.pool.connect()
    await holder.query("begin; select 1 from rillflow.docs where id = 'd-1' for update")
    const saving = session.saveChanges()
    await blocked(fixture.database)
    session.docs.customers.store({ ...customer('d-1'), email: 'later@x.io' })
    await holder.query('commit')
    holder.release()
    expect((await saving).docs).toMatchObject([{ version: 2 }])
    expect(session.pending).toBe(1)
    expect((await session.saveChanges()).docs).toMatchObject([{ version: 3 }])
    expect(await fixture.store.docs.customers.get('d-1')).toMatchObject({ email: 'later@x.io', tier: 'free' })
  })

  test('sessions that save the same documents in other orders do not deadlock', async () => {
    // Without a second attempt a deadlock comes out as an error.
    await using store = createStore({
      connection: fixture.database.url,
      modules: { docs: documents({ orders: Order }) },
      retry: { attempts: 1 },
    })
    const ids = Array.from({ length: 20 }, (_, at) => `o-${at}`)
    const save = async (order: readonly string[]): Promise<void> => {
      const session = store.session()
      for (const id of order) session.docs.orders.store({ id, total: 1 })
      await session.saveChanges()
    }
    for (let round = 1; round <= 10; round += 1) {
      await Promise.all([save(ids), save(ids.toReversed()), save(ids), save(ids.toReversed())])
    }
    expect(await store.docs.orders.getStored('o-0')).toMatchObject({ version: 40 })
  })

  test('clear drops what is staged and loaded', async () => {
    await fixture.store.docs.customers.put(customer('c-1'))
    const session = fixture.store.session()
    const before = await session.docs.customers.load('c-1')
    session.docs.customers.store(customer('c-2'))
    session.clear()
    expect(session.pending).toBe(0)
    expect(await session.docs.customers.load('c-1')).not.toBe(before)
    expect(await session.docs.customers.load('c-2')).toBeUndefined()
  })
})

describe('loadMany', () => {
  test('gives the documents in the order of the ids, by one statement for those not known', async () => {
    await fixture.store.docs.orders.putMany([{ id: 'm-1', total: 1 }, { id: 'm-2', total: 2 }]) // prettier-ignore
    const session = fixture.store.session()
    const first = await session.docs.orders.load('m-1')
    session.docs.orders.store({ id: 'm-3', total: 3 })
    session.docs.orders.delete('m-4')
    const loaded = await session.docs.orders.loadMany(['m-2', 'm-1', 'm-3', 'm-4', 'm-5', 'm-2'])
    expect(loaded.map((order) => order?.total)).toEqual([2, 1, 3, undefined, undefined, 2])
    expect(loaded[1]).toBe(first)
    expect(loaded[5]).toBe(loaded[0])
    session.docs.orders.evict('m-4')
    // What was found missing is remembered as missing, and its version is expected.
    await fixture.store.docs.orders.put({ id: 'm-5', total: 5 })
    expect(await session.docs.orders.load('m-5')).toBeUndefined()
    session.docs.orders.store({ id: 'm-5', total: 6 })
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'VersionConflict', id: 'm-5', expected: 0 })
  })
})

describe('patch', () => {
  test('is applied to what is there when it is saved; load shows it before', async () => {
    await fixture.store.docs.orders.put({ id: 'p-1', total: 1 })
    const session = fixture.store.session()
    session.docs.orders.patch('p-1', (patch) => patch.increment('total', 10))
    session.docs.orders.patch('p-1', (patch) => patch.increment('total', 100))
    const shown = await session.docs.orders.load('p-1')
    expect(shown).toEqual({ id: 'p-1', total: 111 })
    expect(await session.docs.orders.load('p-1')).toBe(shown)
    await fixture.store.docs.orders.put({ id: 'p-1', total: 5 })
    expect(session.pending).toBe(1)
    expect((await session.saveChanges()).docs).toEqual([{ collection: 'orders', id: 'p-1', version: 3 }])
    expect(await session.docs.orders.load('p-1')).toEqual({ id: 'p-1', total: 115 })
  })

  test('on a staged document changes what is staged', async () => {
    const session = fixture.store.session()
    session.docs.orders.store({ id: 'p-2', total: 1 }, { expected: 0 })
    session.docs.orders.patch('p-2', (patch) => patch.increment('total'))
    session.docs.checked.store({ id: 'p-2', ok: false })
    session.docs.checked.patch('p-2', (patch) => patch.set('ok', true))
    expect(() => session.docs.orders.patch('p-2', (patch) => patch.set(['total', 'x'] as never, 1 as never))).toThrow(
      expect.objectContaining({ code: 'PatchRefused' }),
    )
    expect(await session.docs.orders.load('p-2')).toEqual({ id: 'p-2', total: 2 })
    // A patch makes nothing good: the document that it is applied to must fit as well.
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'ValidationFailed' })
    session.docs.checked.evict('p-2')
    expect((await session.saveChanges()).docs).toEqual([{ collection: 'orders', id: 'p-2', version: 1 }])
  })

  test('of what is missing, of another version or not fitting fails the save and stays staged', async () => {
    await fixture.store.docs.orders.put({ id: 'p-3', total: 1 })
    const session = fixture.store.session()
    session.docs.orders.patch('p-4', (patch) => patch.increment('total'))
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'DocumentNotFound', id: 'p-4' })
    session.docs.orders.evict('p-4')
    session.docs.orders.patch('p-3', (patch) => patch.increment('total'), { expected: 7 })
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'VersionConflict', expected: 7, actual: 1 })
    session.docs.orders.evict('p-3')
    session.docs.orders.patch('p-3', (patch) => patch.set(['total', 'x'] as never, 1 as never))
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'PatchRefused' })
    expect(session.pending).toBe(1)
    session.docs.orders.delete('p-3')
    expect((await session.saveChanges()).docs).toEqual([{ collection: 'orders', id: 'p-3', version: 2 }])
  })

  test('after a staged delete is refused', () => {
    const session = fixture.store.session()
    session.docs.orders.delete('p-5')
    expect(() => session.docs.orders.patch('p-5', (patch) => patch.increment('total'))).toThrow(
      expect.objectContaining({ code: 'InvalidState' }),
    )
  })
})

describe('evict and refresh', () => {
  test('forget what is loaded and staged', async () => {
    await fixture.store.docs.orders.put({ id: 'e-1', total: 1 })
    const session = fixture.store.session()
    const before = await session.docs.orders.load('e-1')
    await fixture.store.docs.orders.put({ id: 'e-1', total: 2 })
    session.docs.orders.store({ id: 'e-1', total: 9 })
    expect(await session.docs.orders.refresh('e-1')).toEqual({ id: 'e-1', total: 2 })
    expect(session.pending).toBe(0)
    session.docs.orders.store({ id: 'e-1', total: 3 })
    expect((await session.saveChanges()).docs).toMatchObject([{ version: 3 }])
    session.docs.orders.evict('e-1')
    const after = await session.docs.orders.load('e-1')
    expect(after).toEqual({ id: 'e-1', total: 3 })
    expect(after).not.toBe(before)
  })
})

describe('documents that are changed in place', () => {
  interface Mutable {
    id: string
    total: number
  }
  const tracked = async (session: ReturnType<typeof fixture.store.session>, id: string): Promise<Mutable> => {
    const order = await session.docs.orders.load(id, { track: true })
    if (order === undefined) throw new Error('it was put before')
    return order
  }

  test('are stored when they were tracked, and only then', async () => {
    await fixture.store.docs.orders.putMany([{ id: 'w-1', total: 1 }, { id: 'w-2', total: 1 }, { id: 'w-3', total: 1 }]) // prettier-ignore
    const session = fixture.store.session()
    const [one, two] = [await tracked(session, 'w-1'), await tracked(session, 'w-2')]
    const untracked = (await session.docs.orders.load('w-3')) as Mutable
    expect(session.pending).toBe(0)
    one.total = 5
    untracked.total = 5
    expect(session.pending).toBe(1)
    expect((await session.saveChanges()).docs).toEqual([{ collection: 'orders', id: 'w-1', version: 2 }])
    expect((await session.saveChanges()).docs).toEqual([])
    expect(await session.docs.orders.load('w-1')).toBe(one)
    one.total = 6
    two.total = 6
    expect((await session.saveChanges()).docs).toMatchObject([{ id: 'w-1', version: 3 }, { id: 'w-2', version: 2 }]) // prettier-ignore
    expect(await fixture.store.docs.orders.get('w-1')).toEqual({ id: 'w-1', total: 6 })
    expect(await fixture.store.docs.orders.get('w-3')).toEqual({ id: 'w-3', total: 1 })
  })

  test('expect the version that was loaded; after a failure the object counts as it is then', async () => {
    await fixture.store.docs.orders.put({ id: 'w-4', total: 1 })
    const session = fixture.store.session()
    const order = await tracked(session, 'w-4')
    order.total = Number.NaN
    expect(session.pending).toBe(1)
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'UnstorableValue', path: ['total'] })
    order.total = 2
    await fixture.store.docs.orders.put({ id: 'w-4', total: 9 })
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'VersionConflict', expected: 1, actual: 2 })
    await fixture.database.query(`update rillflow.docs set version = 1 where id = 'w-4'`)
    order.total = 3
    expect((await session.saveChanges()).docs).toMatchObject([{ version: 2 }])
    expect(await fixture.store.docs.orders.get('w-4')).toEqual({ id: 'w-4', total: 3 })
  })

  test('keep their id', async () => {
    await fixture.store.docs.orders.put({ id: 'w-5', total: 1 })
    const session = fixture.store.session()
    const order = await tracked(session, 'w-5')
    order.id = 'w-6'
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'InvalidArgument', argument: 'doc' })
  })
})

test('puts, patches and deletes of two sessions in opposite roles do not deadlock', async () => {
  await using store = createStore({
    connection: fixture.database.url,
    modules: { docs: documents({ orders: Order }) },
    retry: { attempts: 1 },
  })
  for (let round = 1; round <= 15; round += 1) {
    const ids = Array.from({ length: 12 }, (_, at) => `x-${round}-${at}`)
    await store.docs.orders.putMany(
      [...ids, `y-${round}-0`, `y-${round}-1`, `y-${round}-2`].map((id) => ({ id, total: 1 })),
    )
    const save = async (turn: number): Promise<void> => {
      const session = store.session()
      for (const [at, id] of ids.entries()) {
        if ((at + turn) % 3 === 0) session.docs.orders.store({ id, total: 2 })
        else session.docs.orders.patch(id, (patch) => patch.increment('total'))
      }
      session.docs.orders.delete(`y-${round}-${turn}`)
      await session.saveChanges()
    }
    await Promise.all([save(0), save(1), save(2)])
    const rows = await store.docs.orders
      .query({ id: oneOf(ids) })
      .withMetadata()
      .all()
    expect(rows.map(({ version }) => version)).toEqual(ids.map(() => 4))
  }
})

describe('validation', () => {
  test('fails when the document is stored, before anything is staged', () => {
    const session = fixture.store.session()
    expect(() => session.docs.customers.store({ id: 'v-1' } as never)).toThrow(
      expect.objectContaining({ code: 'ValidationFailed' }),
    )
    expect(() => session.docs.orders.store({ id: 'v-1', total: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'UnstorableValue' }),
    )
    expect(session.pending).toBe(0)
  })

  test('of an asynchronous schema fails the save, and the rest stays staged', async () => {
    const session = fixture.store.session()
    session.docs.checked.store({ id: 'v-2', ok: false })
    session.docs.orders.store({ id: 'v-2', total: 1 })
    expect(await errorOf(session.saveChanges())).toMatchObject({ code: 'ValidationFailed' })
    expect(session.pending).toBe(2)
    session.docs.checked.store({ id: 'v-2', ok: true })
    await session.saveChanges()
    expect(await fixture.store.docs.checked.get('v-2')).toEqual({ id: 'v-2', ok: true })
  })
})
