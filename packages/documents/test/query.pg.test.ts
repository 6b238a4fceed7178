import { typed } from '@rillflow/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  avg,
  compileQuery,
  contains,
  count,
  defineCollection,
  field,
  gte,
  ilike,
  index,
  max,
  min,
  oneOf,
  or,
  regex,
  sql,
  sum,
} from '../src/index.js'
import { errorOf } from './support/error-of.js'
import { useDocuments } from './support/use-documents.js'

interface Order {
  readonly id: string
  readonly state: 'open' | 'done'
  readonly total?: number | string
  readonly customerId?: string
  readonly tags?: readonly string[]
  readonly address?: { readonly city: string } | null
}

const Customer = defineCollection('customers', { schema: typed<{ id: string; name: string }>() })
const Order = defineCollection('orders', { schema: typed<Order>(), indexes: [index('state')] })
const Strict = defineCollection('strict', {
  schema: z.object({ id: z.string(), n: z.number(), added: z.string().default('later') }),
  validateReads: true,
})
const fixture = useDocuments({ orders: Order, customers: Customer, strict: Strict })
const orders = (): (typeof fixture)['store']['docs']['orders'] => fixture.store.docs.orders

beforeAll(async () => {
  await fixture.store.docs.customers.putMany([{ id: 'c1', name: 'Ada' }, { id: 'c2', name: 'Bob' }]) // prettier-ignore
  await fixture.store.docs.customers.delete('c2')
  await orders().putMany([
    { id: 'o1', state: 'open', total: 10, customerId: 'c1', tags: ['a', 'b'] },
    { id: 'o2', state: 'open', total: 2.5, customerId: 'c2', address: { city: 'Oslo' } },
    { id: 'o3', state: 'done', total: 'ten', customerId: 'c9', address: null },
    { id: 'o4', state: 'done' },
    { id: 'gone', state: 'done', total: 99 },
  ])
  await orders().delete('gone')
})

describe('how many', () => {
  test('first, optional, one and all', async () => {
    const open = orders().query({ state: 'open' })
    const none = orders().query({ id: 'no such' })
    expect((await open.all()).map(({ id }) => id)).toEqual(['o1', 'o2'])
    expect(await open.first()).toMatchObject({ id: 'o1' })
    expect(await open.orderBy('id', 'desc').first()).toMatchObject({ id: 'o2' })
    expect(await open.offset(1).optional()).toMatchObject({ id: 'o2' })
    expect(await open.limit(1).one()).toMatchObject({ id: 'o1' })
    expect(await none.first()).toBeUndefined()
    expect(await none.optional()).toBeUndefined()
    expect(await errorOf(none.one())).toMatchObject({ code: 'NotSingle', found: 'none', collection: 'orders' })
    expect(await errorOf(open.one())).toMatchObject({ code: 'NotSingle', found: 'several' })
    expect(await errorOf(open.optional())).toMatchObject({ code: 'NotSingle', found: 'several' })
    expect(await open.limit(1).count()).toBe(2)
    expect(await open.limit(0).all()).toEqual([])
  })

  test('a query is a value: a further word makes another one', async () => {
    const all = orders().query()
    all.where({ state: 'open' }).limit(1).onlyDeleted()
    expect(await all.count()).toBe(4)
  })
})

describe('deleted documents', () => {
  test('are left out, included, or the only ones', async () => {
    const ids = async (rows: Promise<Order[]>): Promise<string[]> => (await rows).map(({ id }) => id)
    expect(await ids(orders().query({ state: 'done' }).all())).toEqual(['o3', 'o4'])
    expect(await ids(orders().query({ state: 'done' }).withDeleted().all())).toEqual(['gone', 'o3', 'o4'])
    expect(await ids(orders().query({ state: 'done' }).onlyDeleted().all())).toEqual(['gone'])
    expect(await orders().query().onlyDeleted().count()).toBe(1)
  })
})

describe('rows', () => {
  test('have the fields that are selected, where they are there', async () => {
    const rows = await orders().query().select('id', 'total', 'address.city', 'address').all()
    expect(rows).toEqual([
      { id: 'o1', total: 10 },
      { id: 'o2', total: 2.5, 'address.city': 'Oslo', address: { city: 'Oslo' } },
      { id: 'o3', total: 'ten', address: null },
      { id: 'o4' },
    ])
  })

  test('have their metadata when asked', async () => {
    const rows = await orders().query().withDeleted().withMetadata().all()
    for (const row of rows) expect(row).toEqual(await orders().getStored(row.id))
    expect(rows.find(({ id }) => id === 'gone')).toMatchObject({ version: 2, deletedAt: expect.any(Date) as Date })
    expect(await orders().query().select('state').withMetadata().first()).toMatchObject({
      id: 'o1',
      version: 1,
      doc: { state: 'open' },
    })
  })

  test('bring another document along, if it is live', async () => {
    const query = orders().query().include('customer', Customer, 'customerId').include('self', Order, 'id')
    const names = (await query.all()).map(({ id, included }) => [id, included.customer?.name, included.self?.state])
    expect(names).toEqual([
      ['o1', 'Ada', 'open'],
      ['o2', undefined, 'open'],
      ['o3', undefined, 'done'],
      ['o4', undefined, 'done'],
    ])
    const page = await query.orderBy('state').page(3)
    expect((await query.orderBy('state').page(3, page.next)).rows.map(({ id }) => id)).toEqual(['o2'])
  })

  test('a field named like a part of every object is a field', async () => {
    const rows = await orders()
      .query()
      .select('__proto__' as never, 'constructor' as never)
      .limit(1)
      .all()
    expect(rows).toEqual([{}])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('figures', () => {
  test('over numbers, leaving out what is none', async () => {
    const figures = await orders()
      .query()
      .aggregate({ n: count(), sum: sum('total'), avg: avg('total'), min: min('total'), max: max('total') })
    expect(figures).toEqual({ n: 4, sum: 12.5, avg: 6.25, min: 'ten', max: 10 })
  })

  test('over nothing', async () => {
    const spec = { n: count(), sum: sum('total'), avg: avg('total'), min: min('total'), max: max('id') } as const
    expect(await orders().query({ id: 'none' }).aggregate(spec)).toEqual({ n: 0, sum: 0 })
  })

  test('by groups, absent and null in one', async () => {
    const groups = await orders()
      .query()
      .groupBy('state', 'address.city')
      .aggregate({ n: count(), last: max('id') })
    expect(groups).toEqual([
      { group: { state: 'done', 'address.city': null }, n: 2, last: 'o4' },
      { group: { state: 'open', 'address.city': null }, n: 1, last: 'o1' },
      { group: { state: 'open', 'address.city': 'Oslo' }, n: 1, last: 'o2' },
    ])
  })
})

describe('pages', () => {
  test('a cursor of another order, a broken one and a hostile one are refused', async () => {
    const byTotal = orders().query().orderBy('total')
    const { next } = await byTotal.page(1)
    const refused = { code: 'InvalidArgument', argument: 'after' }
    expect(await errorOf(orders().query().page(1, next))).toMatchObject(refused)
    expect(await errorOf(orders().query().orderBy('state').page(1, next))).toMatchObject(refused)
    expect(await errorOf(orders().query().orderBy('total', 'desc').page(1, next))).toMatchObject(refused)
    expect(await errorOf(byTotal.page(1, 'x'))).toMatchObject(refused)
    expect(await errorOf(byTotal.page(1, ''))).toMatchObject(refused)
    const [order] = JSON.parse(Buffer.from(next ?? '', 'base64url').toString()) as [string]
    for (const forged of [
      [order, 'o1'],
      [order, 'o1', '{'],
      [order, 'o1', '"\\u0000"'],
      [order, 'o1', '"\\ud800"'],
      [order, 'o1', 5],
    ]) {
      const cursor = Buffer.from(JSON.stringify(forged)).toString('base64url')
      expect(await errorOf(byTotal.page(1, cursor))).toMatchObject(refused)
    }
    const cursor = Buffer.from(JSON.stringify([order, "'; drop table rillflow.docs; --", '"x"'])).toString('base64url')
    expect((await byTotal.page(9, cursor)).next).toBeUndefined()
  })

  test('the last page says that it is the last', async () => {
    const page = await orders().query().page(4)
    expect(page).toMatchObject({ rows: [{}, {}, {}, {}], next: undefined })
  })

  test('iterating sends a statement for each page, and honours the limit', async () => {
    const seen: string[] = []
    for await (const { id } of orders().query().limit(3).iterate({ pageSize: 2 })) seen.push(id)
    expect(seen).toEqual(['o1', 'o2', 'o3'])
    for await (const { id } of orders().query().orderBy('id', 'desc')) seen.push(id)
    expect(seen.slice(3)).toEqual(['o4', 'o3', 'o2', 'o1'])
  })
})

describe('compiled queries', () => {
  const schema = z.object({
    states: z.array(z.enum(['open', 'done'])),
    least: z.number(),
    some: z.number().default(10),
  })
  const compiled = compileQuery(Order, schema, (query, { states, least, some }) =>
    query
      .where({ state: oneOf(states), total: gte(least) })
      .orderBy('total', 'desc')
      .limit(some),
  )

  test('are run with values, which their schema checks and completes', async () => {
    const ids = async (states: ('open' | 'done')[], least: number): Promise<string[]> =>
      (await orders().run(compiled, { states, least })).map(({ id }) => id)
    expect(await ids(['open'], 3)).toEqual(['o1'])
    expect(await ids(['open', 'done'], 0)).toEqual(['o1', 'o2'])
    expect(await ids([], 0)).toEqual([])
    const invalid = orders().run(compiled, { states: ['lost'], least: 'x' } as never)
    expect(await errorOf(invalid)).toMatchObject({ code: 'ValidationFailed' })
  })

  test('a range is of the type of its value, whichever a run brings', async () => {
    const range = compileQuery(Order, typed<{ least: string | number }>(), (query, { least }) =>
      query.where({ total: gte(least as never) }),
    )
    expect(await orders().run(range, { least: 'a' })).toMatchObject([{ id: 'o3' }])
    expect(await orders().run(range, { least: 5 })).toMatchObject([{ id: 'o1' }])
  })

  test.each([
    ['no value', { state: undefined }, 'params'],
    ['null', { state: null }, 'params'],
  ])('%s is refused', async (_what, params, argument) => {
    const byState = compileQuery(Order, typed<{ state: 'open' }>(), (query, { state }) => query.where({ state }))
    expect(await errorOf(orders().run(byState, params as never))).toMatchObject({ code: 'InvalidArgument', argument })
  })

  test('run on another collection is refused', async () => {
    const error = errorOf(fixture.store.docs.customers.run(compiled as never, {} as never))
    expect(await error).toMatchObject({ code: 'InvalidArgument', argument: 'query' })
  })
})

describe('refused before anything is sent, or as a typed error', () => {
  test.each<[string, () => Promise<unknown>, object]>([
    ['a regular expression that is none', () => orders().find({ id: regex('(') }), { argument: 'filter' }],
    ['a half escape', () => orders().find({ id: ilike('a\\') }), { argument: 'filter' }],
    ['containing a value', () => orders().find({ tags: contains('a' as never) }), { argument: 'filter' }],
    ['a range of booleans', () => orders().find({ total: gte(true as never) }), { argument: 'filter' }],
    ['a range of NaN', () => orders().find({ total: gte(Number.NaN) }), { code: 'UnstorableValue' }],
    ['a range of no date', () => orders().find({ id: gte(new Date(Number.NaN)) }), { argument: 'filter' }],
    ['an operator without a field', () => orders().find(gte(5) as never), { argument: 'filter' }],
    ['no condition', () => orders().find(null as never), { argument: 'filter' }],
    ['undefined in sql', () => orders().find(sql`${field('id')} = ${undefined as never}`), { argument: 'filter' }],
    ['a filter in sql', () => orders().find(sql`${{ state: 'open' }} or true`), { argument: 'filter' }],
    ['a limit of -1', () => orders().query().limit(-1).all(), { argument: 'limit' }],
    ['a page of 0', () => orders().query().page(0), { argument: 'size' }],
    [
      'a direction',
      () =>
        (async () =>
          orders()
            .query()
            .orderBy('id', 'up' as never))(),
      { argument: 'order' },
    ],
    ['nothing selected', () => (async () => orders().query().select())(), { argument: 'fields' }],
    ['no figures', () => orders().query().aggregate({}), { argument: 'spec' }],
    ['an operator as a document', () => orders().put({ id: 'x', state: gte(5) as never }), { code: 'UnstorableValue' }],
    [
      'depth',
      () => orders().find(Array.from({ length: 40 }).reduce<never>((inner) => or(inner) as never, {} as never)),
      { argument: 'filter' },
    ],
  ])('%s', async (_what, call, error) => {
    expect(await errorOf(call())).toMatchObject({ ...('code' in error ? {} : { code: 'InvalidArgument' }), ...error })
  })
})

test('validateReads: what is read fits the schema, or is a typed error', async () => {
  const { strict } = fixture.store.docs
  await strict.put({ id: 's1', n: 1 })
  await fixture.database.query(`update rillflow.docs set doc = doc - 'added' where id = 's1'`)
  const whole = { id: 's1', n: 1, added: 'later' }
  expect(await strict.get('s1')).toEqual(whole)
  expect(await strict.getMany(['s1'])).toEqual([whole])
  expect(await strict.getStored('s1')).toMatchObject({ doc: whole })
  expect(await strict.find({})).toEqual([whole])
  expect(await fixture.store.session().docs.strict.load('s1')).toEqual(whole)
  await fixture.database.query(`update rillflow.docs set doc = jsonb_set(doc, '{n}', '"x"') where id = 's1'`)
  for (const call of [() => strict.get('s1'), () => strict.getStored('s1'), () => strict.find({})]) {
    expect(await errorOf(call())).toMatchObject({ code: 'ValidationFailed' })
  }
})

test('explain tells which declared index a query uses', async () => {
  const explained = await orders().query({ state: 'open' }).explain()
  expect(explained).toMatchObject({ readsAll: expect.any(Boolean) as boolean, cost: expect.any(Number) as number })
  expect(explained.plan).toHaveProperty('Node Type')
})

test('the advisor asks for what was asked for and is not served, the most wanted first', async () => {
  const { customers } = fixture.store.docs
  expect(await customers.adviseIndexes()).toEqual([])
  for (let time = 1; time <= 3; time += 1) await customers.query({ name: 'Ada' }).orderBy('id').all()
  await customers.query({ name: gte('A') }).all()
  expect(await customers.adviseIndexes()).toEqual([
    {
      index: index('name'),
      code: 'index("name")',
      queries: 4,
      cost: { bytes: expect.any(Number) as number, writes: 0.12 },
    },
  ])
  expect((await orders().adviseIndexes()).map(({ code }) => code)).not.toContain('index("state")')
})
