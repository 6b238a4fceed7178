import { createStore, typed } from '@rillflow/core'
import { expectTypeOf } from 'vitest'
import {
  and,
  avg,
  between,
  compileQuery,
  contains,
  count,
  defineCollection,
  documents,
  exists,
  field,
  fullText,
  gin,
  gt,
  gte,
  ilike,
  index,
  lt,
  max,
  ne,
  not,
  oneOf,
  or,
  regex,
  search,
  sql,
  startsWith,
  sum,
} from '../src/index.js'

interface Customer {
  readonly id: string
  readonly tier: 'free' | 'pro'
  readonly visits?: number
  readonly tags: readonly string[]
  readonly address: { readonly city: string; readonly zip?: string } | null
  readonly lines: readonly { readonly sku: string; readonly count: number }[]
}

const Customers = defineCollection('customers', {
  schema: typed<Customer>(),
  indexes: [index(['tier', 'address.city']), index('visits'), gin(), fullText('address', { language: 'english' })],
})
// @ts-expect-error a field that the schema does not have
defineCollection('customers', { schema: typed<Customer>(), indexes: [index(['tier', 'nothing'])] })
// @ts-expect-error a field that the schema does not have
defineCollection('customers', { schema: typed<Customer>(), indexes: [fullText('nothing')] })
// @ts-expect-error no such language
fullText('address', { language: 'klingon' })

export async function checked(): Promise<void> {
  const store = createStore({ connection: '', modules: { docs: documents({ customers: Customers }) } })
  const { customers } = store.docs

  await customers.find({ tier: ne('free'), visits: gt(5), 'address.city': startsWith('O'), address: exists() })
  await customers.find({ tier: oneOf(['free', 'pro']), tags: contains(['a']), lines: contains([{ sku: 'a' }]) })
  await customers.find({
    visits: between(1, 5),
    'address.zip': lt('5'),
    'address.city': regex('^O'),
    tags: search('x'),
  })
  await customers.find({ 'address.city': gte(new Date()), id: ilike('c%'), address: contains({ city: 'Oslo' }) })
  await customers.find(
    or({ tier: 'pro' }, and({ visits: gt(5) }, not({ address: null })), sql`${field('tags')} is null`),
  )
  // @ts-expect-error a value of another type
  await customers.find({ visits: ne('5') })
  // @ts-expect-error not a value of the enumeration
  await customers.find({ tier: oneOf(['free', 'gold']) })
  // @ts-expect-error a number is compared with a number
  await customers.find({ visits: gt('5') })
  // @ts-expect-error a number is no date
  await customers.find({ visits: gt(new Date()) })
  // @ts-expect-error text is compared with text
  await customers.find({ 'address.city': between(1, 5) })
  // @ts-expect-error both ends are of one type
  await customers.find({ visits: between(1, '5') })
  // @ts-expect-error a number has no prefix
  await customers.find({ visits: startsWith('5') })
  // @ts-expect-error an element of another type
  await customers.find({ tags: contains([5]) })
  // @ts-expect-error a property that the elements do not have
  await customers.find({ lines: contains([{ name: 'a' }]) })
  // @ts-expect-error a value holds nothing
  await customers.find({ tier: contains('free') })
  // @ts-expect-error no such field, also inside or
  await customers.find(or({ tire: 'pro' }))
  // @ts-expect-error a value of another type, also inside not
  await customers.find(not({ visits: gt('5') }))

  const query = customers.query({ tier: 'pro' }).orderBy('visits', { direction: 'desc', nulls: 'last' }).limit(5)
  expectTypeOf(await query.all()).toEqualTypeOf<Customer[]>()
  expectTypeOf(await query.first()).toEqualTypeOf<Customer | undefined>()
  expectTypeOf(await query.one()).toEqualTypeOf<Customer>()
  for await (const row of query) expectTypeOf(row).toEqualTypeOf<Customer>()
  const selected = await query.select('tier', 'address.zip').all()
  expectTypeOf((selected[0] as (typeof selected)[number])['address.zip']).toEqualTypeOf<string | undefined>()
  const stored = await query.select('visits').withMetadata().one()
  expectTypeOf(stored.version).toEqualTypeOf<number>()
  expectTypeOf(stored.doc.visits).toEqualTypeOf<number | undefined>()
  const including = await query.include('self', Customers, 'id').one()
  expectTypeOf(including.included.self).toEqualTypeOf<Customer | undefined>()
  expectTypeOf(including.doc).toEqualTypeOf<Customer>()
  // @ts-expect-error the document is in doc
  void including.tier
  // @ts-expect-error no such field
  query.orderBy('nothing')
  // @ts-expect-error no such direction
  query.orderBy('visits', 'up')
  // @ts-expect-error no such field
  query.select('tier', 'nothing')
  // @ts-expect-error not selected
  void (await query.select('tier').one()).visits
  // @ts-expect-error there is no metadata unless asked for
  void (await query.one()).version

  const figures = await query.aggregate({ n: count(), total: sum('visits'), mean: avg('visits'), last: max('tier') })
  expectTypeOf(figures.n).toEqualTypeOf<number>()
  expectTypeOf(figures.mean).toEqualTypeOf<number | undefined>()
  expectTypeOf(figures.last).toEqualTypeOf<'free' | 'pro' | undefined>()
  const groups = await query.groupBy('tier', 'address.city').aggregate({ n: count() })
  expectTypeOf((groups[0] as (typeof groups)[number]).group.tier).toEqualTypeOf<'free' | 'pro' | null>()
  // @ts-expect-error text has no sum
  await query.aggregate({ total: sum('tier') })
  // @ts-expect-error no such field
  await query.aggregate({ total: max('nothing') })

  expectTypeOf(await customers.getMany(['a'])).toEqualTypeOf<(Customer | undefined)[]>()
  expectTypeOf(await customers.getField('a', 'address.city')).toEqualTypeOf<string | undefined>()
  // @ts-expect-error no such field
  await customers.getField('a', 'address.street')

  const params = typed<{ tier: 'free' | 'pro'; least: number; tiers: ('free' | 'pro')[] }>()
  const compiled = compileQuery(Customers, params, (described, { tier, least, tiers }) =>
    described
      .where({ tier, visits: gt(least) })
      .where({ tier: oneOf(tiers) })
      .limit(least),
  )
  expectTypeOf(await customers.run(compiled, { tier: 'pro', least: 5, tiers: [] })).toEqualTypeOf<Customer[]>()
  // @ts-expect-error a parameter is missing
  await customers.run(compiled, { tier: 'pro', tiers: [] })
  // @ts-expect-error a parameter has another type
  await customers.run(compiled, { tier: 'gold', least: 5, tiers: [] })
  // @ts-expect-error a parameter of another type than the field
  compileQuery(Customers, typed<{ n: number }>(), (described, { n }) => described.where({ tier: n }))
  // @ts-expect-error no such parameter
  compileQuery(Customers, typed<{ n: number }>(), (described, { m }) => described.where({ visits: gt(m) }))
}
